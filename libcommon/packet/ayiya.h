#pragma once
// AYIYA: anything in anything, in practice IPv6 in UDP.
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kAyiya;

}  // namespace wl::packet
