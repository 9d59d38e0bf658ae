#include "libcommon/packet/teredo.h"

#include "libcommon/packet/ipv6.h"

namespace wl::packet {
namespace {

constexpr uint16_t kOrigin = 0x0000;
constexpr uint16_t kAuthentication = 0x0001;
constexpr size_t kNonceAndConfirmation = 9;

/// An optional authentication, then an optional origin indication (RFC 4380, 5.1.1), then the packet.
Next decode_teredo(ByteReader in, Context& context) {
  auto start = in.peek<2>();
  if (start && start->u16<0>() == kAuthentication) {
    const auto lengths = in.take<4>();
    if (!lengths) return context.ended_early(in, 4);
    const size_t size = size_t{lengths->u8<2>()} + lengths->u8<3>() + kNonceAndConfirmation;
    if (!in.skip(size)) return context.ended_early(in, size);
    start = in.peek<2>();
  }
  if (!start) return context.ended_early(in, 2);
  if (start->u16<0>() == kOrigin && !in.skip(8)) return context.ended_early(in, 8);
  const auto first = in.at(0);
  if (!first) return context.ended_early(in, 1);
  if (*first >> 4 != 6) return context.malformed();
  context.enter_tunnel("teredo");
  return {&kIpv6, in};
}

}  // namespace

const Protocol kTeredo{"teredo", decode_teredo};

}  // namespace wl::packet
