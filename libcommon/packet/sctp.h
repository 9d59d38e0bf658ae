#pragma once
// SCTP (RFC 9260).
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kSctp;

}  // namespace wl::packet
