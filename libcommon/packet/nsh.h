#pragma once
// Network Service Header (RFC 8300).
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kNsh;

}  // namespace wl::packet
