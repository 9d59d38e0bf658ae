#include "libcommon/packet/sll.h"

#include "libcommon/packet/dispatch.h"
#include "libcommon/packet/ethernet.h"
#include "libcommon/packet/llc.h"
#include "libcommon/packet/named.h"
#include "libcommon/packet/radiotap.h"

namespace wl::packet {
namespace {

// ARPHRD_ values of the interface that change the meaning of the protocol field.
constexpr uint16_t kRadiotapInterface = 803;
constexpr uint16_t kNetlinkInterface = 824;
constexpr uint16_t kFrameRelayInterface = 770;

Next payload(uint16_t interface, uint16_t protocol, const ByteReader& in, Context& context) {
  if (interface == kRadiotapInterface) return {&kRadiotap, in};
  if (interface == kNetlinkInterface || interface == kFrameRelayInterface) return {};
  switch (protocol) {
    case 0x0001: return {&kIpx, in};  // 802.3 without LLC
    case 0x0004: return {&kLlc, in};
    case 0x0003: return {&kEthernet, in};
    default: break;
  }
  if (protocol < 0x0600) return {};  // Linux's own numbers
  context.out.set_eth_type(protocol);
  return go_on(by_ethertype(protocol), in);
}

Next decode_sll(ByteReader in, Context& context) {
  const auto header = in.take<16>();
  if (!header) return context.ended_early(in, 16);
  return payload(header->u16<2>(), header->u16<14>(), in, context);
}

Next decode_sll2(ByteReader in, Context& context) {
  const auto header = in.take<20>();
  if (!header) return context.ended_early(in, 20);
  return payload(header->u16<8>(), header->u16<0>(), in, context);
}

}  // namespace

const Protocol kSll{"sll", decode_sll};
const Protocol kSll2{"sll2", decode_sll2};

}  // namespace wl::packet
