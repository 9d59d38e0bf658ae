#pragma once
// The verbs there are.
#include <span>

#include "tools/pcapquery/verb.h"

namespace wl::pcapquery {

/// In the order of --help.
[[nodiscard]] std::span<const VerbInfo* const> verbs();

}  // namespace wl::pcapquery
