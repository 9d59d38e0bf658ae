#pragma once
// Linux "cooked" captures, versions 1 and 2.
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kSll;
extern const Protocol kSll2;

}  // namespace wl::packet
