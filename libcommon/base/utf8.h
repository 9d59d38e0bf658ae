#pragma once
// Bytes of unknown origin as text.
#include <cstddef>
#include <string>
#include <string_view>

namespace wl::base {

/// Length of the well-formed UTF-8 sequence at `at` (Unicode 15, table 3-7), 0 when it is none. `at` < `end`.
[[nodiscard]] size_t utf8_length(const char* at, const char* end);

/// For text that comes in pieces: moves `checked` behind the whole characters of `text`. False: what follows
/// there is no UTF-8, and will not become any.
[[nodiscard]] bool utf8_so_far(std::string_view text, size_t& checked);

[[nodiscard]] bool is_utf8(std::string_view text);

/// The stream contract's text: valid UTF-8 stays, any other byte becomes \xNN, a backslash \\.
[[nodiscard]] std::string wire_text(std::string_view bytes);
/// As it is where all of it is UTF-8, else wire_text().
[[nodiscard]] std::string utf8_text(std::string_view bytes);

}  // namespace wl::base
