#include "libcommon/packet/ppp.h"

#include "libcommon/packet/cisco_hdlc.h"
#include "libcommon/packet/ipv4.h"
#include "libcommon/packet/ipv6.h"
#include "libcommon/packet/mpls.h"
#include "libcommon/packet/named.h"

namespace wl::packet {
namespace {

/// PPP protocol numbers (IANA).
const Protocol* by_ppp_number(uint16_t number) {
  switch (number) {
    case 0x0021: return &kIpv4;
    case 0x0057: return &kIpv6;
    case 0x002b: return &kIpx;
    case 0x003d: return &kPppMultilink;
    case 0x0281:
    case 0x0283: return &kMpls;
    case 0x8021: return &kIpcp;
    case 0x8057: return &kIpv6cp;
    case 0x80fd: return &kCcp;
    case 0xc021: return &kLcp;
    case 0xc023: return &kPap;
    case 0xc223: return &kChap;
    default: return nullptr;
  }
}

/// The protocol field: one byte when it is odd (RFC 1661, section 6.5), else two.
Next protocol_field(ByteReader in, Context& context) {
  const auto first = in.at(0);
  if (!first) return context.ended_early(in, 1);
  const bool compressed = (*first & 1U) != 0;
  uint16_t number = *first;
  if (!compressed) {
    const auto both = in.peek<2>();
    if (!both) return context.ended_early(in, 2);
    number = both->u16<0>();
  }
  if (!in.skip(compressed ? 1 : 2)) return {};
  const Protocol* const protocol = by_ppp_number(number);
  return protocol == nullptr ? Next{} : Next{protocol, in};
}

Next decode_ppp(ByteReader in, Context& context) {
  const auto framing = in.peek<2>();
  if (framing) {
    const uint8_t address = framing->u8<0>();
    // 0x0f and 0x8f are the addresses of Cisco HDLC, which shares the link type. Behind a PPPoE, GRE or L2TP
    // header 0x0f would be a compressed protocol number that is not assigned.
    if ((address == 0x0f || address == 0x8f) && framing->u8<1>() == 0) return {&kCiscoHdlc, in};
    if (framing->u16<0>() == 0xff03 && !in.skip(2)) return {};
  }
  return protocol_field(in, context);
}

/// One byte tells the direction; it stands before the frame, or (pppd) in place of the address byte.
Next decode_ppp_with_direction(ByteReader in, Context& context) {
  if (!in.skip(1)) return context.ended_early(in, 1);
  if (const auto control = in.at(0); control == 0x03 && !in.skip(1)) return {};
  return decode_ppp(in, context);
}

}  // namespace

const Protocol kPpp{"ppp", decode_ppp};
const Protocol kPppWithDirection{"ppp", decode_ppp_with_direction};

}  // namespace wl::packet
