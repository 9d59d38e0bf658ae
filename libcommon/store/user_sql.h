#pragma once
// Statements that users write, for a Reader that is locked.
#include <string>
#include <vector>

#include "libcommon/base/error.h"
#include "libcommon/base/time.h"
#include "libcommon/store/duck.h"

namespace wl::store {

/// A statement that gives each row of the user's as a JSON object (VARCHAR), with `"type":"row"` first and
/// `ts`, where there is a column of that name, second. NULL is left out, and so is what is no number; times
/// are as `time` says, with 9 digits of fraction; a column that has the name of a key of the packet record,
/// and the type that tables.h gives it, is written as that key is; other bytes are base64; whole numbers that
/// JSON readers do not keep are text.
///
/// Exit::usage: it is not one statement, or not one that only reads.
[[nodiscard]] base::Result<std::string> rows_as_json(Duck& duck, const std::string& sql,
                                                     base::TimeFormat time, int digits);

}  // namespace wl::store
