#pragma once
// IPv6 and its extension headers (RFC 8200).
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kIpv6;

}  // namespace wl::packet
