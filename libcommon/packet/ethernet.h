#pragma once
// Ethernet II and IEEE 802.3.
#include "libcommon/packet/protocol.h"

namespace wl::packet {

extern const Protocol kEthernet;

/// What follows the type field of an Ethernet header or of a tag: an EtherType, or the length of an LLC
/// frame.
[[nodiscard]] Next ether_payload(uint16_t type, const ByteReader& in, Context& context);

/// Whether the bytes can be an Ethernet frame: a type that has a decoder, or the length of what follows.
[[nodiscard]] bool looks_like_ethernet(const ByteReader& in);

}  // namespace wl::packet
