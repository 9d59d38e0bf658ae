#include "libcommon/packet/nsh.h"

#include "libcommon/packet/dispatch.h"

namespace wl::packet {
namespace {

Next decode_nsh(ByteReader in, Context& context) {
  const ByteReader whole = in;
  const auto header = in.peek<8>();
  if (!header) return context.ended_early(in, 8);
  const size_t size = (header->u8<1>() & 0x3fU) * 4U;
  if (size < 8) return context.malformed();
  if (!in.skip(size)) return context.ended_early(whole, size);
  const Protocol* const protocol = by_next_protocol(header->u8<3>());
  return protocol == nullptr ? Next{} : Next{protocol, in};
}

}  // namespace

const Protocol kNsh{"nsh", decode_nsh};

}  // namespace wl::packet
