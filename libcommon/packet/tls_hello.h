#pragma once
// TLS handshake messages that open a connection, over TCP as in QUIC.
#include "libcommon/packet/protocol.h"

namespace wl::packet {

enum class HelloState : uint8_t {
  other,       ///< not a hello
  unfinished,  ///< the beginning of a hello
  whole,
};

/// What the handshake bytes in front of `in` are (RFC 8446, section 4).
[[nodiscard]] HelloState hello_state(const ByteReader& in);

/// Notes server name, ALPN and version of the ClientHello or ServerHello in front of `in`, as far as the
/// bytes go. False when they contradict themselves.
bool note_hello(ByteReader in, Context& context);

}  // namespace wl::packet
