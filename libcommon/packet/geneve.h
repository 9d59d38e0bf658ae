#pragma once
// Geneve (RFC 8926).
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kGeneve;

}  // namespace wl::packet
