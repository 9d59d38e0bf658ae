#pragma once
// Bytes of unknown origin as text.
#include <cstddef>
#include <string>
#include <string_view>

namespace wl::base {

/// Length of the well-formed UTF-8 sequence at `at` (Unicode 15, table 3-7), 0 when it is none. `at` < `end`.
[[nodiscard]] size_t utf8_length(const char* at, const char* end);

/// The stream contract's text: valid UTF-8 stays, any other byte becomes \xNN, a backslash \\.
[[nodiscard]] std::string wire_text(std::string_view bytes);

}  // namespace wl::base
