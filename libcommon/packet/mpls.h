#pragma once
// MPLS label stacks (RFC 3032) and what they carry, Ethernet pseudowires (RFC 4448) among it.
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kMpls;
extern const Protocol kPseudowire;

}  // namespace wl::packet
