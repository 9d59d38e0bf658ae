#include "libcommon/packet/ipv6.h"

#include "libcommon/packet/dispatch.h"

namespace wl::packet {
namespace {

using record::Field;

constexpr size_t kHeader = 40;
constexpr record::FieldSet kNoted{Field::src_ip, Field::dst_ip, Field::ip_version, Field::ttl, Field::dscp};
constexpr uint8_t kHopByHop = 0;
constexpr uint8_t kRouting = 43;
constexpr uint8_t kFragment = 44;
constexpr uint8_t kNoNext = 59;
constexpr uint8_t kDestination = 60;
constexpr uint8_t kMobility = 135;
constexpr uint8_t kHip = 139;
constexpr uint8_t kShim6 = 140;

template <size_t At, size_t N>
void put_address(const Fixed<N>& header, record::Ip& to) {
  header.template copy_to<At, 16>(to.bytes);
  to.version = 6;
}

bool is_extension(uint8_t number) {
  switch (number) {
    case kHopByHop:
    case kRouting:
    case kFragment:
    case kDestination:
    case kMobility:
    case kHip:
    case kShim6: return true;
    default: return false;
  }
}

Next finish(uint8_t number, const ByteReader& rest, Context& context) {
  context.out.set_ip_proto(number);
  if (number == kNoNext) return {};
  context.note_proto(ip_protocol_name(number));
  return context.wants(Depth::transport) ? upper_layer(number, rest, context) : Next{};
}

/// Walks the extension headers (RFC 8200, section 4) to the upper layer.
Next walk(uint8_t number, ByteReader in, Context& context) {
  while (is_extension(number)) {
    context.out.set_ip_proto(number);
    const auto header = in.peek<8>();
    if (!header) return context.ended_early(in, 8);
    size_t size = (header->u8<1>() + 1U) * 8U;
    if (number == kFragment) {
      size = 8;
      const uint32_t offset = header->u16<2>() & 0xfff8U;
      context.out.set_frag_offset(offset);
      context.out.set_ip_id(header->u32<4>());
      if (offset != 0) {
        context.out.set_ip_proto(header->u8<0>());
        context.note_proto(ip_protocol_name(header->u8<0>()));
        return {};
      }
    }
    if (!in.skip(size)) return context.ended_early(in, size);
    number = header->u8<0>();
  }
  return finish(number, in, context);
}

/// What a header that the capture cut still says.
Next decode_part(const ByteReader& in, Context& context) {
  if (in.at(0).value_or(0x60) >> 4 != 6) return context.malformed();
  context.begin_flow();
  if (!in.empty()) context.out.set_ip_version(6);
  if (const auto ttl = in.at(7)) context.out.set_ttl(*ttl);
  if (const auto source = in.peek<24>()) {
    put_address<8>(*source, context.out.src_ip);
    context.out.present.add(Field::src_ip);
  }
  return context.ended_early(in, kHeader);
}

Next decode_ipv6(ByteReader in, Context& context) {
  const auto header = in.take<kHeader>();
  if (!header) return decode_part(in, context);
  if (header->u8<0>() >> 4 != 6) return context.malformed();
  context.begin_flow();
  record::Packet& out = context.out;
  put_address<8>(*header, out.src_ip);
  put_address<24>(*header, out.dst_ip);
  out.ip_version = 6;
  out.ttl = header->u8<7>();
  out.dscp = static_cast<uint8_t>(header->u16<0>() >> 6 & 0x3f);
  out.present = out.present | kNoted;

  // A payload length of 0 is a jumbogram (RFC 2675) or left to the network card: the frame's length counts.
  const size_t payload = header->u16<4>();
  if (payload > in.wire_size()) context.malformed();
  return walk(header->u8<6>(), payload == 0 ? in : in.first(payload), context);
}

}  // namespace

const Protocol kIpv6{"ipv6", decode_ipv6};

}  // namespace wl::packet
