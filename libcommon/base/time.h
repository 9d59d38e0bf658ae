#pragma once
// Points in time: nanoseconds since 1970-01-01 UTC in an int64_t, and their RFC 3339 text.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wl::base {

inline constexpr int64_t kSecond = 1'000'000'000;
inline constexpr int64_t kMillisecond = 1'000'000;

/// How times are written: `--time rfc3339|epoch|epoch_ns`.
enum class TimeFormat : uint8_t { rfc3339, epoch, epoch_ns };

/// Writes times, remembering the text of the last minute. Not for two threads.
class TimeText {
 public:
  static constexpr size_t kMaxSize = 40;

  explicit TimeText(TimeFormat format = TimeFormat::rfc3339) : format_(format) {}

  /// Writes `ns` as a JSON value (quoted where it is text) at `out`, which has room for kMaxSize bytes;
  /// returns the end. `digits` of fraction: 6 or 9. Years outside 0000-9999 cannot happen with 64 bits of
  /// nanoseconds.
  [[nodiscard]] char* write(char* out, int64_t ns, int digits);

 private:
  char* write_rfc3339(char* out, int64_t ns, int digits);

  TimeFormat format_;
  int64_t minute_ = INT64_MIN;
  char prefix_[20] = {};  // "2026-11-20T09:03:00."
};

/// `ns` as RFC 3339 text without quotes.
[[nodiscard]] std::string rfc3339(int64_t ns, int digits);

/// Reads RFC 3339 and its ISO 8601 relatives: 'T' or ' ', up to 9 digits of fraction (more are cut), 'Z',
/// "+02:00",
/// "+0200" or nothing (UTC). Nothing else may follow.
[[nodiscard]] std::optional<int64_t> parse_rfc3339(std::string_view text);

/// Days since 1970-01-01 of a date in the proleptic Gregorian calendar (month 1-12, day 1-31).
[[nodiscard]] int64_t days_from_civil(int64_t year, unsigned month, unsigned day);

/// Nanoseconds since 1970 of the system's clock.
[[nodiscard]] int64_t wall_clock_ns();
/// Nanoseconds of a clock that never goes back.
[[nodiscard]] int64_t steady_clock_ns();

}  // namespace wl::base
