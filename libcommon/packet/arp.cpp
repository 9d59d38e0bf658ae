#include "libcommon/packet/arp.h"

namespace wl::packet {
namespace {

constexpr size_t kFixed = 8;

Next decode_arp(ByteReader in, Context& context) {
  context.note_proto("arp");
  const auto header = in.take<kFixed>();
  if (!header) return context.ended_early(in, kFixed);
  context.out.set_arp_op(header->u16<6>());
  // Sender and target, each a hardware and a protocol address.
  const size_t addresses = (size_t{header->u8<4>()} + header->u8<5>()) * 2;
  return in.skip(addresses) ? Next{} : context.ended_early(in, addresses);
}

}  // namespace

const Protocol kArp{"arp", decode_arp};

}  // namespace wl::packet
