#include "libcommon/capture/pcap_variant.h"

#include <array>

#include "libcommon/capture/endian.h"

namespace wl::capture {
namespace {

constexpr uint32_t kMicroseconds = 0xa1b2c3d4;
constexpr uint32_t kNanoseconds = 0xa1b23c4d;
constexpr uint32_t kModified = 0xa1b2cd34;  // Kuznetzov: interface, protocol and type behind the lengths

constexpr uint32_t kUsualHeader = 16;
constexpr uint32_t kModifiedHeader = 24;
constexpr std::array<uint32_t, 3> kUsualMagicHeaders{16, 24, 20};  // plain, patch of 990417, Nokia
constexpr std::array<uint32_t, 2> kModifiedMagicHeaders{24, 28};   // patches of 991029 and 990915

constexpr int kRecordsTried = 3;
constexpr uint32_t kUnlikelyLength = 128U << 20;

Lengths lengths_of(uint16_t major, uint16_t minor) {
  if (major == 543) return Lengths::captured_last;  // DG/UX tcpdump
  if (major != 2 || minor > 3) return Lengths::captured_first;
  return minor == 3 ? Lengths::larger_last : Lengths::captured_last;
}

/// How many things look wrong in the first record that looks wrong at all, if headers have this variant's
/// size.
int oddities(const PcapVariant& variant, std::span<const uint8_t> records, uint32_t max_packet) {
  for (int i = 0; i < kRecordsTried && records.size() >= variant.record_header; ++i) {
    const PcapRecord record = read_record(records.data(), variant);
    const int count = int{record.fraction >= 1'000'000} + int{record.length > kUnlikelyLength} +
                      int{record.captured > record.length} + int{record.captured > max_packet};
    if (count > 0) return count;
    records = records.subspan(variant.record_header);
    if (records.size() < record.captured) break;
    records = records.subspan(record.captured);
  }
  return 0;
}

}  // namespace

std::optional<PcapVariant> variant_of(const uint8_t* header) {
  for (const bool swap : {false, true}) {
    const auto magic = load<uint32_t>(header, swap);
    if (magic != kMicroseconds && magic != kNanoseconds && magic != kModified) continue;
    return PcapVariant{swap, magic == kNanoseconds, magic == kModified ? kModifiedHeader : kUsualHeader,
                       lengths_of(load<uint16_t>(header + 4, swap), load<uint16_t>(header + 6, swap))};
  }
  return std::nullopt;
}

uint32_t likely_record_header(const PcapVariant& variant, std::span<const uint8_t> records,
                              uint32_t max_packet) {
  if (variant.nanoseconds) return variant.record_header;
  std::span<const uint32_t> sizes = kUsualMagicHeaders;
  if (variant.record_header == kModifiedHeader) sizes = kModifiedMagicHeaders;
  uint32_t best = variant.record_header;
  int least = INT32_MAX;
  for (const uint32_t size : sizes) {
    PcapVariant tried = variant;
    tried.record_header = size;
    const int count = oddities(tried, records, max_packet);
    if (count < least) {
      least = count;
      best = size;
    }
  }
  return best;
}

}  // namespace wl::capture
