#pragma once
// Decimal digits, eight at a time: seven operations in place of a branch and a multiplication for each.
#include <bit>
#include <cstdint>
#include <cstring>

namespace wl::base {

/// Eight bytes of a text, the first one lowest. They must be readable.
[[nodiscard]] inline uint64_t eight_bytes(const char* at) {
  uint64_t bytes = 0;
  std::memcpy(&bytes, at, 8);
  if constexpr (std::endian::native == std::endian::big) bytes = __builtin_bswap64(bytes);
  return bytes;
}

/// How many digits stand before the first byte that is none: 0 to 8.
[[nodiscard]] inline unsigned leading_digits(uint64_t bytes) {
  constexpr uint64_t kEach = 0x0101010101010101;
  // The highest bit of a byte: above '9' the sum sets it, below '0' the difference, in others it is there.
  // What one byte carries over spoils only those behind it.
  const uint64_t others = ((bytes + kEach * (0x7f - '9')) | (bytes - kEach * '0') | bytes) & kEach * 0x80;
  return others == 0 ? 8 : static_cast<unsigned>(std::countr_zero(others)) / 8;
}

/// The number that the first `count` bytes say, which are digits: 1 to 8 of them.
[[nodiscard]] inline uint32_t short_number(uint64_t bytes, unsigned count) {
  bytes <<= 64 - 8 * count;  // zeros in front
  bytes = (bytes & 0x0f0f0f0f0f0f0f0f) * ((10 << 8) + 1) >> 8;
  bytes = (bytes & 0x00ff00ff00ff00ff) * ((100 << 16) + 1) >> 16;
  return static_cast<uint32_t>((bytes & 0x0000ffff0000ffff) * ((uint64_t{10000} << 32) + 1) >> 32);
}

}  // namespace wl::base
