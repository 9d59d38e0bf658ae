#pragma once
// GTP: user packets of GTP-U (3GPP TS 29.281); control messages by name.
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kGtp;

}  // namespace wl::packet
