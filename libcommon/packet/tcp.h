#pragma once
// TCP (RFC 9293).
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kTcp;

}  // namespace wl::packet
