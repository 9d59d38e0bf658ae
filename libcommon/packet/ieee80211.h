#pragma once
// IEEE 802.11 data frames, down to their LLC header.
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kIeee80211;

}  // namespace wl::packet
