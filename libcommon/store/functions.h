#pragma once
// What filters need of DuckDB beside its own functions (filter/sql.h).
#include "libcommon/base/error.h"
#include "libcommon/store/duck.h"

namespace wl::store {

/// Makes the functions known to the instance; again does no harm.
[[nodiscard]] base::Result<void> register_functions(Duck& duck);

}  // namespace wl::store
