#pragma once
// Application payloads as packets between two hosts, decoded.
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "libcommon/packet/decoder.h"
#include "tests/support/seeds.h"

namespace wl::support {

/// One side's packets of one source, in the order in which they are given. The record is good until the next.
class Segments {
 public:
  static constexpr size_t kAll = std::numeric_limits<size_t>::max();

  Segments();

  /// Captures at most `captured` bytes of the payload.
  const record::Packet& udp(uint16_t source, uint16_t destination, std::string_view payload,
                            size_t captured = kAll);
  const record::Packet& tcp(uint16_t source, uint16_t destination, uint32_t sequence,
                            std::string_view payload, size_t captured = kAll, uint8_t flags = 0x18);

 private:
  const record::Packet& decode(uint8_t protocol, std::string_view header, std::string_view payload,
                               size_t captured);

  packet::Decoder decoder_;
  record::Packet packet_;
  std::string bytes_;
  test::Seed seed_;
};

/// Bytes from hexadecimal digits; blanks are passed over.
[[nodiscard]] std::string from_hex(std::string_view digits);
/// `value` in `size` bytes, the highest first.
[[nodiscard]] std::string big_endian(uint64_t value, size_t size);

}  // namespace wl::support
