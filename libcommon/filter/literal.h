#pragma once
// What stands behind an operator, as a value of the field before it.
#include "libcommon/base/error.h"
#include "libcommon/filter/filter.h"
#include "libcommon/filter/lexer.h"

namespace wl::filter {

/// Reads one value. An error says what the field takes.
[[nodiscard]] base::Result<Range> read_value(const FilterField& field, const Token& token);

}  // namespace wl::filter
