#pragma once
// DNS (RFC 1035) over UDP and TCP, multicast DNS (RFC 6762), LLMNR (RFC 4795).
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kDns;
extern const Protocol kMdns;
extern const Protocol kLlmnr;
extern const Protocol kDnsTcp;  ///< named dns too: messages behind two bytes of length

/// A message on a port of DNS: its header makes sense and its counts fit into its length.
[[nodiscard]] bool is_dns(const ByteReader& payload);
/// The same over TCP.
[[nodiscard]] bool is_dns_tcp(const ByteReader& payload);
/// On any port: a plain query or its answer, with one well-formed question of a known class.
[[nodiscard]] bool is_plain_dns(const ByteReader& payload);

}  // namespace wl::packet
