#include "libcommon/packet/vlan.h"

#include "libcommon/packet/ethernet.h"

namespace wl::packet {
namespace {

/// Passes over a tag of `Size` bytes whose last two are the type of what follows.
template <size_t Size>
Next pass_tag(ByteReader in, Context& context) {
  const auto tag = in.take<Size>();
  if (!tag) return context.ended_early(in, Size);
  return ether_payload(tag->template u16<Size - 2>(), in, context);
}

Next decode_vlan(ByteReader in, Context& context) {
  record::Packet& out = context.out;
  if (const auto tag = in.peek<2>()) {
    const uint16_t id = tag->u16<0>() & 0x0fffU;
    if (!out.present.has(record::Field::vlan)) {
      out.set_vlan(id);
    } else if (!out.present.has(record::Field::vlan_inner)) {
      out.set_vlan_inner(id);
    }
  }
  return pass_tag<4>(in, context);
}

}  // namespace

const Protocol kVlan{"vlan", decode_vlan};
const Protocol kProviderVlan{"ieee8021ad", decode_vlan};
// The tag, then the customer's addresses and type (IEEE 802.1Q-2018, 9.7).
const Protocol kBackboneTag{"ieee8021ah", pass_tag<18>};
const Protocol kVnTag{"vntag", pass_tag<6>};
// IEEE 802.1BR-2012, 7.5.
const Protocol kETag{"etag", pass_tag<8>};

}  // namespace wl::packet
