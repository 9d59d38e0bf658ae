#pragma once
// What netsniff counts, and how it says so.
#include <cstdint>
#include <string>

#include "libcommon/capture/source.h"
#include "libcommon/record/stream_writer.h"

namespace wl::netsniff {

/// "1 packet", "2 packets".
[[nodiscard]] std::string packets_text(uint64_t count);

/// packets + reader_dropped + drops.kernel = what the interface counted, of a live capture without a filter.
struct Counts {
  uint64_t packets = 0;         ///< that passed the filter and were written
  uint64_t bytes = 0;           ///< of them on the wire
  uint64_t records = 0;         ///< written
  uint64_t reader_dropped = 0;  ///< left out by --on-slow drop
  capture::Drops drops;

  /// For the stats and end records; drops only of a live source.
  [[nodiscard]] record::StreamCounts stream(bool live) const;
  /// "812 packets captured, 0 dropped by the kernel, …", for people.
  [[nodiscard]] std::string line(bool live) const;
};

}  // namespace wl::netsniff
