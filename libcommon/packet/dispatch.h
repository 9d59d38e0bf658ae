#pragma once
// The dispatch tables: which protocol a number stands for. Adding a protocol means adding its row in
// dispatch.cpp (link types: link_types.cpp).
#include <cstdint>
#include <string_view>

#include "libcommon/packet/protocol.h"

namespace wl::packet {

/// A link type: our name for it ("ethernet"), and its decoder where there is one.
struct LinkType {
  std::string_view name;
  const Protocol* protocol = nullptr;
};

/// LINKTYPE_ numbers of the registry at tcpdump.org. An unnamed one gives an empty name.
[[nodiscard]] LinkType by_link_type(uint16_t link_type);
/// EtherTypes (IEEE 802 numbers); nullptr: no decoder.
[[nodiscard]] const Protocol* by_ethertype(uint16_t ethertype);
/// "Next Protocol" numbers of NSH (RFC 8300, section 2.2), which VXLAN-GPE shares; nullptr: no decoder.
[[nodiscard]] const Protocol* by_next_protocol(uint8_t number);
/// IP protocol numbers; nullptr: no decoder.
[[nodiscard]] const Protocol* by_ip_protocol(uint8_t number);
/// Name of an IP protocol number for `proto`; the number as text where it has no name.
[[nodiscard]] std::string_view ip_protocol_name(uint8_t number);
/// The decoder of an IP packet by its first four bits; nullptr: neither version.
[[nodiscard]] const Protocol* by_ip_version(const ByteReader& packet);
/// The tunnel over UDP that has one of the ports and whose first bytes fit; nullptr: none.
[[nodiscard]] const Protocol* by_udp_port(uint16_t source, uint16_t destination, const ByteReader& payload);

/// `next` with the rest of the bytes; an end where there is no decoder.
[[nodiscard]] inline Next go_on(const Protocol* next, const ByteReader& rest) {
  return next == nullptr ? Next{} : Next{next, rest};
}

/// What an IP header's protocol number announces: goes on to it, and enters the tunnel when it is IP again.
[[nodiscard]] Next upper_layer(uint8_t number, const ByteReader& rest, Context& context);

}  // namespace wl::packet
