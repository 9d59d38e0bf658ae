#pragma once
// Frame Relay with multiprotocol encapsulation (RFC 2427) or Cisco's.
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kFrameRelay;
extern const Protocol kFrameRelayWithDirection;

}  // namespace wl::packet
