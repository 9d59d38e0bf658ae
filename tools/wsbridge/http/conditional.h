#pragma once
// Ranges, validators and dates of RFC 9110.
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

namespace wl::wsbridge::http {

struct ByteRange {
  uint64_t first = 0;
  uint64_t size = 0;  ///< 0: cannot be satisfied (416)
};

/// The one range that a Range header asks for of a body of `total` bytes. Nothing: the whole body is the
/// answer (another unit, several ranges, no range at all).
[[nodiscard]] std::optional<ByteRange> parse_range(std::string_view header, uint64_t total);

/// If-None-Match: "*", or one of a list is `etag` (weak comparison).
[[nodiscard]] bool etag_matches(std::string_view header, std::string_view etag);

/// "Fri, 20 Nov 2026 09:03:00 GMT".
[[nodiscard]] std::string http_date(time_t time);
/// Reads the form that http_date() writes, and no other.
[[nodiscard]] std::optional<time_t> parse_http_date(std::string_view text);

}  // namespace wl::wsbridge::http
