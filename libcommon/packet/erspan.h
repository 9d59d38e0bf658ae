#pragma once
// ERSPAN: mirrored frames in GRE (types I, II and III).
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kErspan;
extern const Protocol kErspan3;

}  // namespace wl::packet
