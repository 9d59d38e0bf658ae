#pragma once
// Seeds of the fuzz target `packet`, kept while unit tests run: see tests/fuzz/make_packet_corpus.sh.
#include <cstdint>
#include <span>
#include <string>

namespace wl::test {

/// The packets that one decoder saw, in the input format of tests/fuzz/packet.cpp. Written as one file when
/// it goes, into the folder that WIRELINE_SEEDS names; without that, nothing is kept.
class Seed {
 public:
  explicit Seed(bool decap = false);
  ~Seed();
  Seed(const Seed&) = delete;
  Seed& operator=(const Seed&) = delete;

  /// `length` bytes were on the wire.
  void add(uint16_t link_type, std::span<const uint8_t> captured, size_t length);

 private:
  std::string folder_;  // empty: off
  bool decap_;
  std::string bytes_;
};

}  // namespace wl::test
