#pragma once
// PPP over Ethernet (RFC 2516).
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kPppoeSession;
extern const Protocol kPppoeDiscovery;
extern const Protocol kPppoe;

}  // namespace wl::packet
