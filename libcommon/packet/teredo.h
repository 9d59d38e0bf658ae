#pragma once
// Teredo (RFC 4380): IPv6 in UDP.
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kTeredo;

}  // namespace wl::packet
