#pragma once
// Numbers in files whose byte order is known only at run time.
#include <bit>
#include <cstdint>
#include <cstring>

namespace wl::capture {

/// The number that stands at `from` (any alignment), its bytes turned around if `swap`.
template <class T>
[[nodiscard]] inline T load(const uint8_t* from, bool swap) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return swap ? std::byteswap(value) : value;
}

}  // namespace wl::capture
