#include "libcommon/packet/frame_relay.h"

#include "libcommon/packet/dispatch.h"
#include "libcommon/packet/ethernet.h"
#include "libcommon/packet/ipv4.h"
#include "libcommon/packet/ipv6.h"
#include "libcommon/packet/ppp.h"

namespace wl::packet {
namespace {

constexpr uint8_t kUnnumbered = 0x03;
constexpr size_t kMaxAddress = 4;

Next decode_snap(ByteReader in, Context& context) {
  const auto header = in.take<5>();
  if (!header) return context.ended_early(in, 5);
  const uint16_t number = header->u16<3>();
  if (header->u24<0>() == 0) {
    context.out.set_eth_type(number);
    return go_on(by_ethertype(number), in);
  }
  // RFC 2427, section 4.2: bridged Ethernet, 7 without and 1 with the frame's checksum.
  if (header->u24<0>() == 0x0080c2 && number == 0x0007) return {&kEthernet, in};
  if (header->u24<0>() == 0x0080c2 && number == 0x0001) return {&kEthernet, in.without_last(4)};
  return {};
}

/// Network layer protocol identifiers (RFC 2427, appendix A).
Next by_nlpid(ByteReader in, Context& context) {
  auto nlpid = in.take_u8();
  if (nlpid == 0x00) nlpid = in.take_u8();  // a pad byte
  if (!nlpid) return context.ended_early(in, 1);
  switch (*nlpid) {
    case 0x80: return decode_snap(in, context);
    case 0x8e: return {&kIpv6, in};
    case 0xcc: return {&kIpv4, in};
    case 0xcf: return {&kPpp, in};
    default: return {};
  }
}

Next decode_frame_relay(ByteReader in, Context& context) {
  // The address ends with the byte whose lowest bit is set (Q.922, 3.3.2).
  for (size_t i = 0;; ++i) {
    const auto byte = in.take_u8();
    if (!byte) return context.ended_early(in, 1);
    if ((*byte & 1U) != 0) break;
    if (i + 1 == kMaxAddress) return context.malformed();
  }
  const auto control = in.at(0);
  if (!control) return context.ended_early(in, 1);
  if (*control == kUnnumbered) return in.skip(1) ? by_nlpid(in, context) : Next{};
  // Cisco's encapsulation has an EtherType here.
  const auto type = in.take_u16();
  if (!type) return context.ended_early(in, 2);
  context.out.set_eth_type(*type);
  return go_on(by_ethertype(*type), in);
}

Next decode_with_direction(ByteReader in, Context& context) {
  if (!in.skip(1)) return context.ended_early(in, 1);
  return decode_frame_relay(in, context);
}

}  // namespace

const Protocol kFrameRelay{"fr", decode_frame_relay};
const Protocol kFrameRelayWithDirection{"fr", decode_with_direction};

}  // namespace wl::packet
