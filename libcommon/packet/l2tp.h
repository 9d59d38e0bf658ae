#pragma once
// L2TP: PPP in L2TPv2 (RFC 2661); L2TPv3 (RFC 3931) by name, for what it carries is agreed elsewhere.
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kL2tp;
extern const Protocol kL2tpOverIp;

}  // namespace wl::packet
