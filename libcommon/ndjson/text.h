#pragma once
// JSON values written at a pointer: numbers, strings, addresses. Every function returns the end of what it
// wrote; the caller has made room.
#include <array>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace wl::ndjson {

namespace detail {
inline constexpr auto kDigitPairs = [] {
  std::array<char, 200> pairs{};
  for (size_t i = 0; i < 100; ++i) {
    pairs[i * 2] = static_cast<char>('0' + i / 10);
    pairs[i * 2 + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}();

/// 0 to 9999, without leading zeros, and their length.
struct FourDigits {
  char text[4];
  uint8_t size;
};
extern const std::array<FourDigits, 10000> kFourDigits;
}  // namespace detail

/// Most bytes that a number takes.
inline constexpr size_t kMaxNumber = 24;
/// Most bytes that an address takes, without quotes.
inline constexpr size_t kMaxAddress = 46;

inline char* put(char* out, std::string_view text) {
  if (!text.empty()) std::memcpy(out, text.data(), text.size());  // an empty view may point nowhere
  return out + text.size();
}

[[nodiscard]] char* put_u64(char* out, uint64_t value);
[[nodiscard]] inline char* put_u32(char* out, uint32_t value) {
  if (value < 10000) {
    const auto& entry = detail::kFourDigits[value];
    std::memcpy(out, entry.text, 4);
    return out + entry.size;
  }
  if (value < 100'000'000) {
    const uint32_t high = value / 10000;
    const uint32_t low = value % 10000;
    const auto& entry = detail::kFourDigits[high];
    std::memcpy(out, entry.text, 4);
    out += entry.size;
    std::memcpy(out, &detail::kDigitPairs[low / 100 * 2], 2);
    std::memcpy(out + 2, &detail::kDigitPairs[low % 100 * 2], 2);
    return out + 4;
  }
  return put_u64(out, value);
}
[[nodiscard]] char* put_i64(char* out, int64_t value);
/// Shortest decimal that reads back as `value`; must be finite.
[[nodiscard]] char* put_double(char* out, double value);

/// Most bytes that put_string writes for `text`.
[[nodiscard]] constexpr size_t string_room(std::string_view text) { return text.size() * 6 + 2; }
/// A JSON string with its quotes. `text` must be UTF-8.
[[nodiscard]] char* put_string(char* out, std::string_view text);

[[nodiscard]] char* put_ipv4(char* out, const uint8_t* bytes);
/// RFC 5952.
[[nodiscard]] char* put_ipv6(char* out, const uint8_t* bytes);
[[nodiscard]] char* put_mac(char* out, const uint8_t* bytes);
[[nodiscard]] constexpr size_t base64_room(size_t size) { return (size + 2) / 3 * 4; }
[[nodiscard]] char* put_base64(char* out, std::span<const uint8_t> bytes);

}  // namespace wl::ndjson
