#include "libcommon/packet/tcp.h"

#include "libcommon/packet/application.h"

namespace wl::packet {
namespace {

using record::Field;

constexpr size_t kMinHeader = 20;
constexpr record::FieldSet kNoted{Field::src_port, Field::dst_port,  Field::tcp_seq,
                                  Field::tcp_ack,  Field::tcp_flags, Field::tcp_window};

/// What a header that the capture cut still says: its ports, and with the window all that is noted.
Next decode_part(const ByteReader& in, Context& context) {
  record::Packet& out = context.out;
  if (const auto ports = in.peek<4>()) {
    out.set_src_port(ports->u16<0>());
    out.set_dst_port(ports->u16<2>());
  }
  if (const auto header = in.peek<16>()) {
    out.set_tcp_seq(header->u32<4>());
    if (header->u8<12>() >> 4 < kMinHeader / 4) return context.malformed();
    out.set_tcp_ack(header->u32<8>());
    out.set_tcp_flags(header->u8<13>());
    out.set_tcp_window(header->u16<14>());
  }
  return context.ended_early(in, kMinHeader);
}

Next decode_tcp(ByteReader in, Context& context) {
  const ByteReader whole = in;
  const auto header = in.peek<kMinHeader>();
  const size_t header_size = header ? (header->u8<12>() >> 4) * 4U : 0;
  // With a data offset that lies, what stands beside and behind it is not believed either.
  if (header_size < kMinHeader) return decode_part(in, context);
  record::Packet& out = context.out;
  out.src_port = header->u16<0>();
  out.dst_port = header->u16<2>();
  out.tcp_seq = header->u32<4>();
  out.tcp_ack = header->u32<8>();
  out.tcp_flags = header->u8<13>();
  out.tcp_window = header->u16<14>();
  out.present = out.present | kNoted;
  if (header_size > in.wire_size()) return context.malformed();
  out.set_payload_len(static_cast<uint32_t>(in.wire_size() - header_size));
  if (!in.skip(header_size)) return context.ended_early(whole, header_size);
  out.set_payload(in.bytes());
  if (in.empty() || !context.wants(Depth::application)) return {};
  return application(Transport::tcp, in, context);
}

}  // namespace

const Protocol kTcp{"tcp", decode_tcp};

}  // namespace wl::packet
