#include "libcommon/packet/ipv4.h"

#include "libcommon/packet/dispatch.h"

namespace wl::packet {
namespace {

using record::Field;

constexpr size_t kMinHeader = 20;
constexpr record::FieldSet kNoted{Field::src_ip, Field::dst_ip, Field::ip_version, Field::ttl,
                                  Field::dscp,   Field::ip_id,  Field::ip_proto};

/// Writes in place: a copy would wait for the four bytes just stored.
template <size_t At, size_t N>
void put_address(const Fixed<N>& header, record::Ip& to) {
  to.bytes.fill(0);
  header.template copy_to<At, 4>(to.bytes);
  to.version = 4;
}

/// What a header that the capture cut still says.
Next decode_part(const ByteReader& in, Context& context) {
  const uint8_t first = in.at(0).value_or(0);
  if (!in.empty() && (first >> 4 != 4 || (first & 0x0fU) * 4U < kMinHeader)) return context.malformed();
  context.begin_flow();
  record::Packet& out = context.out;
  if (!in.empty()) out.set_ip_version(4);
  if (const auto ttl = in.at(8)) out.set_ttl(*ttl);
  if (const auto number = in.at(9)) {
    out.set_ip_proto(*number);
    context.note_proto(ip_protocol_name(*number));
  }
  if (const auto source = in.peek<16>()) {
    put_address<12>(*source, out.src_ip);
    out.present.add(Field::src_ip);
  }
  return context.ended_early(in, kMinHeader);
}

Next decode_ipv4(ByteReader in, Context& context) {
  const ByteReader whole = in;
  const auto header = in.take<kMinHeader>();
  if (!header) return decode_part(in, context);
  const size_t header_size = (header->u8<0>() & 0x0fU) * 4U;
  if (header->u8<0>() >> 4 != 4 || header_size < kMinHeader) return context.malformed();

  context.begin_flow();
  record::Packet& out = context.out;
  put_address<12>(*header, out.src_ip);
  put_address<16>(*header, out.dst_ip);
  out.ip_version = 4;
  out.ttl = header->u8<8>();
  out.dscp = header->u8<1>() >> 2;
  out.ip_id = header->u16<4>();
  const uint8_t number = header->u8<9>();
  out.ip_proto = number;
  out.present = out.present | kNoted;
  context.note_proto(ip_protocol_name(number));
  const uint32_t offset = (header->u16<6>() & 0x1fffU) * 8U;
  const bool fragment = offset != 0 || (header->u16<6>() & 0x2000U) != 0;
  if (fragment) out.set_frag_offset(offset);
  if (!context.wants(Depth::transport)) return {};

  // A total length of 0 is left to the network card (TCP segmentation offload): the frame's length counts.
  const size_t total = header->u16<2>();
  ByteReader packet = total == 0 ? whole : whole.first(total);
  if (total != 0 && total < header_size) return context.malformed();
  if (total > whole.wire_size()) context.malformed();  // noted; what is there is still read
  if (!packet.skip(header_size)) return context.ended_early(packet, header_size);
  if (offset != 0) return {};
  return upper_layer(number, packet, context);
}

}  // namespace

const Protocol kIpv4{"ip", decode_ipv4};

}  // namespace wl::packet
