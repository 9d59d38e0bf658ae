#include "libcommon/packet/ethernet.h"

#include "libcommon/packet/dispatch.h"
#include "libcommon/packet/llc.h"
#include "libcommon/packet/named.h"

namespace wl::packet {
namespace {

constexpr size_t kHeader = 14;
// Up to 1500 the type field is a length (IEEE 802.3-2018, 3.2.6).
constexpr uint16_t kMaxLength = 1500;
// Novell's IPX without LLC begins with an unused checksum.
constexpr uint16_t kRawIpx = 0xffff;

Next decode_ethernet(ByteReader in, Context& context) {
  const auto header = in.take<kHeader>();
  if (!header) return context.ended_early(in, kHeader);
  context.begin_frame();
  record::Packet& out = context.out;
  if (!out.present.has(record::Field::eth_src)) {
    header->copy_to<0, 6>(out.eth_dst);
    header->copy_to<6, 6>(out.eth_src);
    out.present = out.present | record::FieldSet{record::Field::eth_src, record::Field::eth_dst};
  }
  return ether_payload(header->u16<12>(), in, context);
}

}  // namespace

Next ether_payload(uint16_t type, const ByteReader& in, Context& context) {
  if (type > kMaxLength) {
    context.out.set_eth_type(type);
    return go_on(by_ethertype(type), in);
  }
  if (type > in.wire_size()) context.malformed();  // noted; what is there is still read
  const ByteReader frame = in.first(type);
  const auto saps = frame.peek<2>();
  return {saps && saps->u16<0>() == kRawIpx ? &kIpx : &kLlc, frame};
}

bool looks_like_ethernet(const ByteReader& in) {
  const auto header = in.peek<kHeader>();
  if (!header) return false;
  const uint16_t type = header->u16<12>();
  if (type <= kMaxLength) return type != 0 && type <= in.wire_size() - kHeader;
  return by_ethertype(type) != nullptr;
}

const Protocol kEthernet{"eth", decode_ethernet};

}  // namespace wl::packet
