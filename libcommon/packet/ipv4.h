#pragma once
// IPv4 (RFC 791).
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kIpv4;

}  // namespace wl::packet
