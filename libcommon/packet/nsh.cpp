#include "libcommon/packet/nsh.h"

#include "libcommon/packet/ethernet.h"
#include "libcommon/packet/ipv4.h"
#include "libcommon/packet/ipv6.h"
#include "libcommon/packet/mpls.h"

namespace wl::packet {
namespace {

/// The "Next Protocol" values of RFC 8300, section 2.2.
const Protocol* by_number(uint8_t number) {
  switch (number) {
    case 1: return &kIpv4;
    case 2: return &kIpv6;
    case 3: return &kEthernet;
    case 4: return &kNsh;
    case 5: return &kMpls;
    default: return nullptr;
  }
}

Next decode_nsh(ByteReader in, Context& context) {
  const ByteReader whole = in;
  const auto header = in.peek<8>();
  if (!header) return context.ended_early(in, 8);
  const size_t size = (header->u8<1>() & 0x3fU) * 4U;
  if (size < 8) return context.malformed();
  if (!in.skip(size)) return context.ended_early(whole, size);
  const Protocol* const protocol = by_number(header->u8<3>());
  return protocol == nullptr ? Next{} : Next{protocol, in};
}

}  // namespace

const Protocol kNsh{"nsh", decode_nsh};

}  // namespace wl::packet
