#pragma once
// Cisco HDLC.
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kCiscoHdlc;
extern const Protocol kCiscoHdlcWithDirection;

}  // namespace wl::packet
