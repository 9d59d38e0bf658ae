#pragma once
// BSD loopback: an address family before the packet (LINKTYPE_NULL and LINKTYPE_LOOP).
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kNull;

}  // namespace wl::packet
