#pragma once
// The PROXY protocol that load balancers put in front of a TCP stream (haproxy.org, "The PROXY protocol",
// versions 1 and 2).
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kProxy;

[[nodiscard]] bool is_proxy(const ByteReader& payload);

}  // namespace wl::packet
