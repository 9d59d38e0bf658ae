#pragma once
// CAPWAP data (RFC 5415): frames of wireless clients between access point and controller.
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kCapwap;

}  // namespace wl::packet
