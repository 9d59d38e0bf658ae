#pragma once
// "Did you mean …?"
#include <cstddef>
#include <string_view>

namespace wl::base {

/// Levenshtein's distance: the least number of bytes to put in, take out or change that makes `b` of `a`.
[[nodiscard]] size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace wl::base
