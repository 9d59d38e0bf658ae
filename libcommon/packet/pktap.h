#pragma once
// Apple PKTAP: a header that names the link type of what follows.
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kPktap;

}  // namespace wl::packet
