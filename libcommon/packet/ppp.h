#pragma once
// PPP (RFC 1661), with or without HDLC framing (RFC 1662) and compressed fields.
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kPpp;
extern const Protocol kPppWithDirection;

}  // namespace wl::packet
