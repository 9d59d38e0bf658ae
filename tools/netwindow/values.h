#pragma once
// Field values as times, numbers and JSON text.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libcommon/ndjson/fields.h"
#include "tools/netwindow/totals.h"

namespace wl::netwindow {

/// Reads event times: RFC 3339 text (with 'Z', an offset, or none: UTC), a number of seconds since 1970 (of
/// milli-, micro- or nanoseconds when it is too large for that), an integer as text (nanoseconds) or a
/// decimal fraction as text (seconds). Remembers the minute that it read last: records come many to a minute.
class TimeReader {
 public:
  /// Nothing when it is no time, or none that fits.
  [[nodiscard]] std::optional<int64_t> read(const ndjson::Value& value);
  /// True when the time read last has digits finer than microseconds.
  [[nodiscard]] bool nanoseconds() const { return nanoseconds_; }

 private:
  [[nodiscard]] std::optional<int64_t> read_text(std::string_view text);
  [[nodiscard]] std::optional<int64_t> read_number(std::string_view text);

  static constexpr size_t kPrefix = 17;  // "2026-11-20T09:03:"
  char prefix_[kPrefix] = {};
  int64_t minute_ns_ = 0;
  bool nanoseconds_ = false;
};

/// A whole number up to `max`, as a number or as text.
[[nodiscard]] std::optional<uint64_t> parse_whole(const ndjson::Value& value, uint64_t max);
[[nodiscard]] inline std::optional<uint64_t> read_whole(const ndjson::Value& value, uint64_t max) {
  if (value.has_whole) return value.whole <= max ? std::optional(value.whole) : std::nullopt;
  return parse_whole(value, max);
}

/// Any number up to 2^53, as a number or as text, in billionths (finer digits are cut).
[[nodiscard]] std::optional<Amount> read_amount(const ndjson::Value& value);
/// A decimal number without needless zeros.
void append_amount(std::string& out, Amount amount);
void append_number(std::string& out, uint64_t number);

/// A JSON string with its quotes. `text` is UTF-8.
void append_text(std::string& out, std::string_view text);

}  // namespace wl::netwindow
