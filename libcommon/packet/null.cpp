#include "libcommon/packet/null.h"

#include "libcommon/packet/dispatch.h"
#include "libcommon/packet/ipv4.h"
#include "libcommon/packet/ipv6.h"
#include "libcommon/packet/ppp.h"

namespace wl::packet {
namespace {

/// AF_INET is 2 everywhere; AF_INET6 is 24 on NetBSD and OpenBSD, 28 on FreeBSD, 30 on macOS, 10 on Linux.
const Protocol* by_address_family(uint32_t family) {
  switch (family) {
    case 2: return &kIpv4;
    case 10:
    case 24:
    case 28:
    case 30: return &kIpv6;
    default: return nullptr;
  }
}

Next decode_null(ByteReader in, Context& context) {
  const auto header = in.peek<4>();
  if (!header) return context.ended_early(in, 4);
  if (header->u16<0>() == 0xff03) return {&kPpp, in};  // PPP that was captured as loopback
  // The family stands in the byte order of the machine that captured; no family needs more than 16 bits.
  const uint32_t little = header->le32<0>();
  const uint32_t family = little > 0xffff ? header->u32<0>() : little;
  if (!in.skip(4)) return {};
  if (const Protocol* const protocol = by_address_family(family)) return {protocol, in};
  return family >= 0x0600 && family <= 0xffff ? go_on(by_ethertype(static_cast<uint16_t>(family)), in)
                                              : Next{};
}

}  // namespace

const Protocol kNull{"null", decode_null};

}  // namespace wl::packet
