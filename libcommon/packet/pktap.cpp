#include "libcommon/packet/pktap.h"

#include "libcommon/packet/dispatch.h"

namespace wl::packet {
namespace {

/// Little-endian: length of the header, type of the record (1: a packet), link type of what follows.
Next decode_pktap(ByteReader in, Context& context) {
  const ByteReader whole = in;
  const auto header = in.peek<12>();
  if (!header) return context.ended_early(in, 12);
  const size_t size = header->le32<0>();
  if (size < 12) return context.malformed();
  if (!in.skip(size)) return context.ended_early(whole, size);
  const uint32_t link_type = header->le32<8>();
  if (header->le32<4>() != 1 || link_type > 0xffff) return {};
  return go_on(by_link_type(static_cast<uint16_t>(link_type)).protocol, in);
}

}  // namespace

const Protocol kPktap{"pktap", decode_pktap};

}  // namespace wl::packet
