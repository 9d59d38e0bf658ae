#pragma once
// -D: the interfaces as records.
#include "libcommon/base/error.h"
#include "libcommon/ndjson/output.h"
#include "libcommon/record/type.h"

namespace wl::netsniff {

extern const record::RecordType kInterfaceType;

/// Writes an `interface` record for each interface that packets can be captured on.
[[nodiscard]] base::Result<void> write_interfaces(ndjson::Output& out);

}  // namespace wl::netsniff
