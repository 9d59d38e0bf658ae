#pragma once
// The command line's durations and sizes.
#include <cstdint>
#include <string>
#include <string_view>

#include "libcommon/base/error.h"

namespace wl::base {

/// "500ms", "5s", "1h30m", "30d" (units ns us ms s m h d; a bare number is seconds, and may have a fraction)
/// in nanoseconds, at least 0.
[[nodiscard]] Result<int64_t> parse_duration(std::string_view text);

/// "64k", "10M", "1G" (powers of 1024; `unit` is what a bare number counts) in bytes.
[[nodiscard]] Result<uint64_t> parse_size(std::string_view text, uint64_t unit = 1);

/// A whole decimal number, all of `text`, at most `max`.
[[nodiscard]] Result<uint64_t> parse_number(std::string_view text, uint64_t max = UINT64_MAX);

/// Nanoseconds as the shortest duration text that parse_duration reads back: "5s", "1500ms".
[[nodiscard]] std::string format_duration(int64_t ns);

/// Bytes as the shortest size text that parse_size reads back: "10M", "1500".
[[nodiscard]] std::string format_size(uint64_t bytes);

}  // namespace wl::base
