#pragma once
// ARP and RARP (RFC 826, RFC 903).
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kArp;

}  // namespace wl::packet
