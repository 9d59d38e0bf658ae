#pragma once
// SNMP (RFC 1157, RFC 3416, RFC 3412).
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kSnmp;

/// A BER sequence that begins with the version of SNMP 1, 2c or 3.
[[nodiscard]] bool is_snmp(const ByteReader& payload);

}  // namespace wl::packet
