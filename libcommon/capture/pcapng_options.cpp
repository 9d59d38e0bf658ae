#include "libcommon/capture/pcapng_options.h"

#include <limits>

#include "libcommon/capture/endian.h"

namespace wl::capture {
namespace {

constexpr uint64_t kNsPerSecond = 1'000'000'000;
__extension__ using uint128_t = unsigned __int128;

/// 10^exponent, 0 where 64 bits cannot hold it.
uint64_t power_of_ten(int exponent) {
  uint64_t power = 1;
  for (int i = 0; i < exponent; ++i) {
    if (__builtin_mul_overflow(power, 10, &power)) return 0;
  }
  return power;
}

std::optional<int64_t> as_signed(uint128_t ns) {
  if (ns > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return std::nullopt;
  return static_cast<int64_t>(ns);
}

}  // namespace

std::string_view Options::Option::text() const {
  const std::string_view all(reinterpret_cast<const char*>(value.data()), value.size());
  return all.substr(0, all.find('\0'));
}

std::optional<Options::Option> Options::next() {
  if (rest_.empty()) return std::nullopt;
  if (rest_.size() < 4) {
    broken_ = true;
    return std::nullopt;
  }
  const auto code = load<uint16_t>(rest_.data(), swap_);
  const auto size = load<uint16_t>(rest_.data() + 2, swap_);
  if (padded(size) > rest_.size() - 4) {
    broken_ = true;
    return std::nullopt;
  }
  if (code == kOptionEnd) return std::nullopt;
  const Option option{code, rest_.subspan(4, size)};
  rest_ = rest_.subspan(4 + padded(size));
  return option;
}

TimeScale::TimeScale(uint8_t resolution, int64_t offset_s)
    : binary_((resolution & 0x80) != 0), exponent_(resolution & 0x7f) {
  if (!binary_) factor_ = power_of_ten(exponent_ <= 9 ? 9 - exponent_ : exponent_ - 9);
  offset_fits_ = !__builtin_mul_overflow(offset_s, static_cast<int64_t>(kNsPerSecond), &offset_ns_);
}

int TimeScale::fraction_digits() const {
  return exponent_ > (binary_ ? 19 : 6) ? 9 : 6;  // 2^-20 s is the first power of two below a microsecond
}

std::optional<int64_t> TimeScale::unmoved_ns(uint64_t units) const {
  if (binary_) return as_signed((uint128_t{units} * kNsPerSecond) >> exponent_);
  if (exponent_ <= 9) return as_signed(uint128_t{units} * factor_);
  return as_signed(factor_ == 0 ? 0 : units / factor_);
}

std::optional<int64_t> TimeScale::ns(uint64_t units) const {
  const auto ns = unmoved_ns(units);
  int64_t moved = 0;
  if (!ns || !offset_fits_ || __builtin_add_overflow(*ns, offset_ns_, &moved)) return std::nullopt;
  return moved;
}

}  // namespace wl::capture
