#pragma once
// The identification line of SSH (RFC 4253, section 4.2).
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kSsh;

[[nodiscard]] bool is_ssh(const ByteReader& payload);

}  // namespace wl::packet
