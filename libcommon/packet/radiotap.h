#pragma once
// What drivers put before 802.11 frames: radiotap, Prism, AVS, PPI.
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kRadiotap;
extern const Protocol kPrism;
extern const Protocol kAvs;
extern const Protocol kPpi;

}  // namespace wl::packet
