#pragma once
// The dialects of pcap: what the magic number says, and what only the records tell.
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "libcommon/capture/endian.h"

namespace wl::capture {

/// Which way round the two lengths of a record stand, by the version that wrote it.
enum class Lengths : uint8_t { captured_first, larger_last, captured_last };

struct PcapVariant {
  bool swap = false;
  bool nanoseconds = false;
  uint32_t record_header = 16;  ///< bytes before each packet
  Lengths lengths = Lengths::captured_first;
};

/// The fields of a record's header, the lengths turned the right way.
struct PcapRecord {
  uint32_t seconds = 0;
  uint32_t fraction = 0;
  uint32_t captured = 0;
  uint32_t length = 0;
};
[[nodiscard]] inline PcapRecord read_record(const uint8_t* header, const PcapVariant& variant) {
  PcapRecord record{load<uint32_t>(header, variant.swap), load<uint32_t>(header + 4, variant.swap),
                    load<uint32_t>(header + 8, variant.swap), load<uint32_t>(header + 12, variant.swap)};
  if (variant.lengths != Lengths::captured_first) [[unlikely]] {
    const bool turn = variant.lengths == Lengths::captured_last || record.captured > record.length;
    if (turn) std::swap(record.captured, record.length);
  }
  return record;
}

/// What a file header's first 8 bytes say; none where the magic number is no pcap file's.
[[nodiscard]] std::optional<PcapVariant> variant_of(const uint8_t* header);

/// Kuznetzov's patches of 1999 and Nokia's firewalls wrote longer record headers, some of them under the
/// ordinary magic number. This takes the size with which the first three records look best, the usual one
/// where several do, by the same rules as Wireshark; `records` are the bytes behind the file header, as many
/// as are at hand.
[[nodiscard]] uint32_t likely_record_header(const PcapVariant& variant, std::span<const uint8_t> records,
                                            uint32_t max_packet);

}  // namespace wl::capture
