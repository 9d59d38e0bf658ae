#pragma once
// DHCPv6 (RFC 8415).
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kDhcpv6;

/// A message type and options whose lengths add up.
[[nodiscard]] bool is_dhcpv6(const ByteReader& payload);

}  // namespace wl::packet
