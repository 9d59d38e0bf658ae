#include "libcommon/packet/cisco_hdlc.h"

#include "libcommon/packet/dispatch.h"
#include "libcommon/packet/named.h"

namespace wl::packet {
namespace {

const Protocol* by_number(uint16_t number) {
  switch (number) {
    case 0x2000: return &kCdp;
    case 0x8035: return &kSlarp;
    case 0xfefe: return &kOsi;
    default: return by_ethertype(number);
  }
}

Next decode_cisco_hdlc(ByteReader in, Context& context) {
  const auto header = in.take<4>();
  if (!header) return context.ended_early(in, 4);
  context.out.set_eth_type(header->u16<2>());
  return go_on(by_number(header->u16<2>()), in);
}

Next decode_with_direction(ByteReader in, Context& context) {
  if (!in.skip(1)) return context.ended_early(in, 1);
  return decode_cisco_hdlc(in, context);
}

}  // namespace

const Protocol kCiscoHdlc{"chdlc", decode_cisco_hdlc};
const Protocol kCiscoHdlcWithDirection{"chdlc", decode_with_direction};

}  // namespace wl::packet
