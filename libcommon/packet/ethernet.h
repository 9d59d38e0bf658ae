#pragma once
// Ethernet II and IEEE 802.3.
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kEthernet;

}  // namespace wl::packet
