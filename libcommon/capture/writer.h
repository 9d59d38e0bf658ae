#pragma once
// Writes captures: pcapng or pcap, one file or many in turn.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "libcommon/capture/source.h"

namespace wl::capture {

enum class Format : uint8_t { pcapng, pcap };

/// When the next file begins, as tcpdump's -C, -G and -W have it.
struct Rotation {
  uint64_t bytes = 0;   ///< a new file once the current one has more than this; 0: never
  int64_t seconds = 0;  ///< a new file once the current one spans this much of the packets' time; 0: never
  /// With `bytes` (alone or with `seconds`): how many files before the first is overwritten. With `seconds`
  /// alone: how many files in all. 0: no limit.
  uint32_t files = 0;
};

struct WriterOptions {
  std::string path;  ///< "-": `standard_output`; with Rotation::seconds a strftime(3) pattern, local time
  int standard_output = 1;  ///< stays open
  Format format = Format::pcapng;
  std::string application{};  ///< who writes, for pcapng's section header
  Rotation rotation{};
  std::vector<std::string> read{};  ///< files that are read meanwhile, and so not overwritten; "-": stdin
};

/// Names: the path as it is; with `bytes` a number behind it from the second file on (PATH, PATH1, PATH2, …),
/// or, with `files` too, in all of them, from 0 and as wide as the last one needs (PATH00 … PATH11).
///
/// Packets come back byte for byte, in their order, with their comments, and their interfaces with names,
/// descriptions, comments and time resolutions. What a format cannot say: pcap knows one link type and no
/// comments; a time outside of a format's range is written as the nearest in it; a packet without a time that
/// needs one gets 0. Custom blocks are left out.
class Writer {
 public:
  /// Creates the first file, unless its name depends on the first packet's time.
  [[nodiscard]] static base::Result<std::unique_ptr<Writer>> open(WriterOptions options);
  /// Without close(), what was written is still handed over as far as that works.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// `interfaces` are those of the packet's source, which writes are from until next_source().
  [[nodiscard]] base::Result<void> write(const Frame& frame, const std::vector<Interface>& interfaces);
  /// From now on packets come from another source, whose interfaces are numbered anew.
  void next_source();
  /// Hands everything to the file system. `interfaces` as in write(): so that a file of no packets yet is a
  /// capture all the same.
  [[nodiscard]] base::Result<void> flush(const std::vector<Interface>& interfaces);
  /// Ends the last file. Nothing is written after this.
  [[nodiscard]] base::Result<void> close(const std::vector<Interface>& interfaces);

  /// The last file that Rotation allows is complete: the packet was not written, and none will be.
  [[nodiscard]] bool finished() const;
  /// Our reader went away (EPIPE): stop quietly.
  [[nodiscard]] bool reader_gone() const;

 private:
  struct State;
  explicit Writer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace wl::capture
