#pragma once
// QUIC long headers (RFC 9000, section 17.2) and the ClientHello in Initial packets.
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kQuic;

/// A long header of a known version, or a version negotiation.
[[nodiscard]] bool is_quic(const ByteReader& payload);

}  // namespace wl::packet
