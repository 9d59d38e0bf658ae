#include "libcommon/packet/ethernet.h"

#include <algorithm>

#include "libcommon/packet/dispatch.h"

namespace wl::packet {
namespace {

// Up to 1500 the type field is a length (IEEE 802.3-2018, 3.2.6).
constexpr uint16_t kMaxLength = 1500;

Next decode_ethernet(ByteReader in, Context& context) {
  const auto header = in.take<14>();
  if (!header) return context.ended_early(in, 14);
  context.begin_frame();
  record::Packet& out = context.out;
  if (!out.present.has(record::Field::eth_src)) {
    std::ranges::copy(header->bytes<0, 6>(), out.eth_dst.begin());
    std::ranges::copy(header->bytes<6, 6>(), out.eth_src.begin());
    out.present = out.present | record::FieldSet{record::Field::eth_src, record::Field::eth_dst};
  }
  const uint16_t type = header->u16<12>();
  if (type <= kMaxLength) return {};
  out.set_eth_type(type);
  return go_on(by_ethertype(type), in);
}

}  // namespace

const Protocol kEthernet{"eth", decode_ethernet};

}  // namespace wl::packet
