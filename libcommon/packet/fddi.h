#pragma once
// FDDI (ISO 9314-2).
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kFddi;

}  // namespace wl::packet
