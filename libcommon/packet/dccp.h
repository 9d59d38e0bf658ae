#pragma once
// DCCP (RFC 4340).
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kDccp;

}  // namespace wl::packet
