#pragma once
// The types that every streaming tool may write with --meta, and the error record of workers.
#include "libcommon/record/type.h"

namespace wl::record {

extern const RecordType kMetaType;   ///< first: tool, version, source, options
extern const RecordType kStatsType;  ///< each second: counts, drops
extern const RecordType kEndType;    ///< last: totals, why it stopped
extern const RecordType kErrorType;  ///< of who asks by program: message, code

}  // namespace wl::record
