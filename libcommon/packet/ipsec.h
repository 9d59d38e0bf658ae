#pragma once
// AH (RFC 4302), ESP (RFC 4303) and ESP in UDP (RFC 3948).
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kAh;
extern const Protocol kEsp;
extern const Protocol kUdpEncap;

}  // namespace wl::packet
