#pragma once
// The records that netwindow writes.
#include <array>

#include "libcommon/record/type.h"

namespace wl::netwindow {

extern const record::RecordType kWindowType;       ///< a key in a window
extern const record::RecordType kWindowTotalType;  ///< a window
extern const record::RecordType kWindowsType;      ///< --whole: a window with its keys

/// All that netwindow may write.
extern const std::array<const record::RecordType*, 6> kTypes;

}  // namespace wl::netwindow
