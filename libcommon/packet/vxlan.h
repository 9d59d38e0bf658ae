#pragma once
// VXLAN (RFC 7348) and VXLAN-GPE.
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kVxlan;
extern const Protocol kVxlanGpe;

}  // namespace wl::packet
