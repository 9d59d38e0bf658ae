#pragma once
// Chance that gives the same numbers on every machine (the standard library's distributions do not).
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace wl::bench {

/// SplitMix64: small, fast, and every seed is a good one.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  [[nodiscard]] uint64_t next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15U);
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31U);
  }
  /// 0 … n-1; n must not be 0.
  [[nodiscard]] uint32_t below(uint32_t n) {
    return static_cast<uint32_t>(((next() >> 32U) * uint64_t{n}) >> 32U);
  }
  /// low … high, both included.
  [[nodiscard]] uint32_t between(uint32_t low, uint32_t high) { return low + below(high - low + 1); }
  /// 0 ≤ x < 1.
  [[nodiscard]] double unit() { return static_cast<double>(next() >> 11U) * 0x1p-53; }
  [[nodiscard]] bool chance(double probability) { return unit() < probability; }
  /// Times between independent events.
  [[nodiscard]] double exponential(double mean) { return -mean * std::log(1.0 - unit()); }
  /// Many small and few very large values, at least `low` and at most `high`.
  [[nodiscard]] uint32_t pareto(double low, double shape, double high) {
    return static_cast<uint32_t>(std::min(high, low * std::pow(1.0 - unit(), -1.0 / shape)));
  }
  [[nodiscard]] uint8_t byte() { return static_cast<uint8_t>(next() >> 56U); }

 private:
  uint64_t state_;
};

/// Ranks by popularity: rank k is drawn in proportion to 1/(k+1)^exponent.
class Zipf {
 public:
  Zipf(size_t ranks, double exponent) {
    double sum = 0;
    for (size_t k = 0; k < ranks; ++k) {
      sum += std::pow(static_cast<double>(k + 1), -exponent);
      cumulative_.push_back(sum);
    }
  }
  [[nodiscard]] size_t pick(Random& random) const {
    const double at = random.unit() * cumulative_.back();
    const auto found = std::upper_bound(cumulative_.begin(), cumulative_.end(), at);
    return std::min(static_cast<size_t>(found - cumulative_.begin()), cumulative_.size() - 1);
  }

 private:
  std::vector<double> cumulative_;
};

}  // namespace wl::bench
