#include "libcommon/packet/vxlan.h"

#include "libcommon/packet/dispatch.h"
#include "libcommon/packet/ethernet.h"

namespace wl::packet {
namespace {

constexpr size_t kHeader = 8;
constexpr uint8_t kHasNextProtocol = 0x04;

Next decode_vxlan(ByteReader in, Context& context) {
  if (!in.skip(kHeader)) return context.ended_early(in, kHeader);
  context.enter_tunnel("vxlan");
  return {&kEthernet, in};
}

/// draft-ietf-nvo3-vxlan-gpe, section 3.1.
Next decode_vxlan_gpe(ByteReader in, Context& context) {
  const auto header = in.take<kHeader>();
  if (!header) return context.ended_early(in, kHeader);
  context.enter_tunnel("vxlan");
  const bool says = (header->u8<0>() & kHasNextProtocol) != 0;
  const Protocol* const protocol = says ? by_next_protocol(header->u8<3>()) : &kEthernet;
  return protocol == nullptr ? Next{} : Next{protocol, in};
}

}  // namespace

const Protocol kVxlan{"vxlan", decode_vxlan};
const Protocol kVxlanGpe{"vxlan", decode_vxlan_gpe};

}  // namespace wl::packet
