#pragma once
// EtherIP (RFC 3378): Ethernet in IP.
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kEtherIp;

}  // namespace wl::packet
