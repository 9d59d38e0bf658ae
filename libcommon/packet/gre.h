#pragma once
// GRE (RFC 2784, RFC 2890, RFC 1701) and its PPTP form (RFC 2637).
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kGre;

}  // namespace wl::packet
