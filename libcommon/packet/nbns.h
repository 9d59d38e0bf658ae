#pragma once
// The NetBIOS name service (RFC 1002), whose messages look like those of DNS.
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kNbns;

}  // namespace wl::packet
