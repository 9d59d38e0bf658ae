#pragma once
// A source of captured packets: a file, a pipe or an interface.
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "libcommon/base/error.h"

namespace wl::capture {

/// An interface that packets were captured on, as the capture describes it.
struct Interface {
  uint16_t link_type = 1;  ///< LINKTYPE_ number of the registry at tcpdump.org (not the DLT_ of this machine)
  uint32_t snaplen = 0;    ///< 0: no limit known
  int fraction_digits = 6;        ///< of its times: 6, or 9 where its resolution is finer than a microsecond
  std::string name{};             ///< if_name, may be empty
  std::string description{};      ///< if_description, may be empty
  std::string comment{};          ///< opt_comment, may be empty
  std::string section_comment{};  ///< comment of the pcapng section that it stands in, may be empty

  bool operator==(const Interface&) const = default;
};

/// One captured packet. `data` and `comment` point into the source and live until the next call of next().
struct Frame {
  std::span<const uint8_t> data;            ///< captured bytes
  uint32_t length = 0;                      ///< bytes on the wire; never less than data.size()
  int64_t time_ns = 0;                      ///< since 1970, where has_time
  bool has_time = true;                     ///< false: pcapng simple packet block, or beyond 64 bits of ns
  uint32_t interface = 0;                   ///< index for Source::interfaces()
  uint64_t offset = 0;                      ///< of the first captured byte in the uncompressed file
  std::span<const std::string> comments{};  ///< pcapng opt_comment of this packet
};

enum class Next : uint8_t {
  packet,  ///< a frame was delivered
  idle,    ///< nothing to read right now: flush, then call again (which waits)
  end,     ///< end of the source
};

/// How many packets a live source saw and lost; zero for files. Delivered + still held by the kernel +
/// `kernel` = `received`; without a filter that is what the interface counted.
struct Drops {
  uint64_t received = 0;   ///< passed the kernel's filter: delivered, held or dropped
  uint64_t kernel = 0;     ///< dropped because the buffer was full
  uint64_t interface = 0;  ///< dropped by the interface or its driver
};

class Source {
 public:
  virtual ~Source() = default;
  /// The next packet. A failure is final; everything readable was delivered before it, and its text names
  /// file, byte offset and cause. `idle` comes only from pipes and interfaces; the call after it waits at
  /// most 100 ms for data, then says `idle` again, so that the caller's clocks run.
  [[nodiscard]] virtual base::Result<Next> next(Frame& frame) = 0;
  /// All interfaces known so far; it grows while a pcapng file is read, and entries never change or move
  /// index.
  [[nodiscard]] virtual const std::vector<Interface>& interfaces() const = 0;
  [[nodiscard]] virtual Drops drops() { return {}; }
  /// A live source takes nothing new from now on: what the kernel holds is still delivered, then `end`.
  virtual void stop() {}
};

}  // namespace wl::capture
