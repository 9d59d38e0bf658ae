#pragma once
// What is added up.
#include <cstddef>
#include <cstdint>
#include <vector>

namespace wl::netwindow {

/// Billionths: decimal fractions add up exactly and in any order.
__extension__ using Amount = __int128;
inline constexpr int64_t kAmountOne = 1'000'000'000;

/// Sums of packets, or of any records: then `packets` is their count and `sums` holds a sum for each --sum
/// field.
struct Totals {
  uint64_t packets = 0;
  uint64_t bytes = 0;
  uint64_t in_packets = 0;
  uint64_t in_bytes = 0;
  uint64_t out_packets = 0;
  uint64_t out_bytes = 0;
  std::vector<Amount> sums{};

  void add(const Totals& more) {
    packets += more.packets;
    bytes += more.bytes;
    in_packets += more.in_packets;
    in_bytes += more.in_bytes;
    out_packets += more.out_packets;
    out_bytes += more.out_bytes;
    if (sums.size() < more.sums.size()) sums.resize(more.sums.size());
    for (size_t i = 0; i < more.sums.size(); ++i) sums[i] += more.sums[i];
  }
};

}  // namespace wl::netwindow
