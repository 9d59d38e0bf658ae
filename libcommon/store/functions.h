#pragma once
// Functions that DuckDB has not: what filters need (filter/sql.h), and addresses and flags as people read
// them:
//
//   ip_text(BLOB) VARCHAR              of 4 or 16 bytes; NULL: of none
//   mac_text(UBIGINT) VARCHAR          of its lower 48 bits
//   tcp_flags_text(UTINYINT) VARCHAR   letters in the order FSRPAUEC
#include "libcommon/base/error.h"
#include "libcommon/store/duck.h"

namespace wl::store {

/// Makes the functions known to the instance; again does no harm.
[[nodiscard]] base::Result<void> register_functions(Duck& duck);

}  // namespace wl::store
