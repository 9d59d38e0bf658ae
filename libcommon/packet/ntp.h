#pragma once
// NTP (RFC 5905), its control messages (RFC 9327) included.
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kNtp;

/// A mode, a version and the length that belongs to them.
[[nodiscard]] bool is_ntp(const ByteReader& payload);

}  // namespace wl::packet
