#pragma once
// VLAN tags of IEEE 802.1Q and 802.1ad, and the tags that wrap a frame in the same way: 802.1ah (backbone
// service instance), 802.1BR (E-tag) and VN-tag.
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kVlan;
extern const Protocol kProviderVlan;
extern const Protocol kBackboneTag;
extern const Protocol kVnTag;
extern const Protocol kETag;

}  // namespace wl::packet
