#pragma once
// IP without a link header (LINKTYPE_RAW).
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kRawIp;

}  // namespace wl::packet
