#pragma once
// ICMP (RFC 792) and ICMPv6 (RFC 4443). The packet that an error quotes is not decoded.
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kIcmp;
extern const Protocol kIcmpv6;

}  // namespace wl::packet
