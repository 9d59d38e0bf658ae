#pragma once
// --replay: a file's packets at the pace at which they happened.
#include <algorithm>
#include <cstdint>

namespace wl::netsniff {

/// Says how long to wait before a packet is due. The first packet's time is the start; time that runs
/// backwards, and packets without a time, are due at once.
class Pacer {
 public:
  /// `speed` 1: as it happened; 10: ten times as fast.
  explicit Pacer(uint32_t speed) : speed_(speed) {}

  /// Nanoseconds from `now_ns` (steady clock) until a packet of `time_ns` is due; 0: it is due.
  [[nodiscard]] int64_t wait_ns(int64_t time_ns, int64_t now_ns) {
    if (!started_) {
      started_ = true;
      first_ns_ = time_ns;
      start_ns_ = now_ns;
    }
    if (time_ns <= first_ns_) return 0;
    // Unsigned: hostile times are further apart than a signed number reaches.
    const uint64_t due = (static_cast<uint64_t>(time_ns) - static_cast<uint64_t>(first_ns_)) / speed_;
    const auto passed = static_cast<uint64_t>(now_ns - start_ns_);
    return due > passed ? static_cast<int64_t>(std::min<uint64_t>(due - passed, INT64_MAX)) : 0;
  }

 private:
  uint64_t speed_;
  bool started_ = false;
  int64_t first_ns_ = 0;
  int64_t start_ns_ = 0;
};

}  // namespace wl::netsniff
