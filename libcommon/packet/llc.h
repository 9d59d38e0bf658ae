#pragma once
// IEEE 802.2 LLC with SNAP (IEEE 802-2014, clause 9).
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kLlc;

}  // namespace wl::packet
