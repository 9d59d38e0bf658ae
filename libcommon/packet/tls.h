#pragma once
// TLS records (RFC 8446, section 5) and the hellos in them.
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kTls;

/// A record header: a known type, version 3.x, a length that RFC 5246 allows.
[[nodiscard]] bool is_tls(const ByteReader& payload);

}  // namespace wl::packet
