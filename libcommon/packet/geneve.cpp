#include "libcommon/packet/geneve.h"

#include "libcommon/packet/dispatch.h"

namespace wl::packet {
namespace {

constexpr size_t kHeader = 8;

Next decode_geneve(ByteReader in, Context& context) {
  const auto header = in.take<kHeader>();
  if (!header) return context.ended_early(in, kHeader);
  if (header->u8<0>() >> 6 != 0) return context.malformed();
  const size_t options = (header->u8<0>() & 0x3fU) * 4U;
  if (!in.skip(options)) return context.ended_early(in, options);
  context.enter_tunnel("geneve");
  return go_on(by_ethertype(header->u16<2>()), in);
}

}  // namespace

const Protocol kGeneve{"geneve", decode_geneve};

}  // namespace wl::packet
