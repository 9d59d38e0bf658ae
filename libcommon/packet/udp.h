#pragma once
// UDP (RFC 768) and UDP-Lite (RFC 3828).
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kUdp;
extern const Protocol kUdpLite;

}  // namespace wl::packet
