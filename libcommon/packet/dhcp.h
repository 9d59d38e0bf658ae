#pragma once
// DHCP and BOOTP (RFC 2131).
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kDhcp;

/// A BOOTP message: operation, lengths, and DHCP's magic cookie where there is one.
[[nodiscard]] bool is_dhcp(const ByteReader& payload);

/// The message type (RFC 2132, section 9.6) of a DHCP message, 0 for none.
[[nodiscard]] uint8_t dhcp_message_type(ByteReader payload);

}  // namespace wl::packet
