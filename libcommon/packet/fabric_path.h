#pragma once
// Cisco FabricPath: a frame with switch addresses around the hosts' frame.
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kFabricPath;

}  // namespace wl::packet
