#pragma once
// Which application protocol the bytes behind a transport header are.
#include "libcommon/packet/protocol.h"

namespace wl::packet {

enum class Transport : uint8_t { tcp, udp };

/// The application decoder that recognises `payload` (which is not empty); the ports are in `context.out`.
/// Ports only narrow the candidates: the bytes decide. Continues heads that an earlier packet of the flow
/// began.
[[nodiscard]] Next application(Transport transport, const ByteReader& payload, Context& context);

}  // namespace wl::packet
