#include "libcommon/packet/tcp.h"

#include "libcommon/packet/application.h"

namespace wl::packet {
namespace {

constexpr size_t kMinHeader = 20;

/// A header that the capture cut: its first fields still say something.
Next decode_part(ByteReader in, Context& context) {
  const ByteReader whole = in;
  record::Packet& out = context.out;
  if (const auto ports = in.take<4>()) {
    out.set_src_port(ports->u16<0>());
    out.set_dst_port(ports->u16<2>());
  }
  if (const auto sequence = in.take<4>()) out.set_tcp_seq(sequence->u32<0>());
  if (const auto acknowledged = in.take<4>()) out.set_tcp_ack(acknowledged->u32<0>());
  if (const auto flags = in.take<2>()) out.set_tcp_flags(flags->u8<1>());
  if (const auto window = in.take<2>()) out.set_tcp_window(window->u16<0>());
  return context.ended_early(whole, kMinHeader);
}

Next decode_tcp(ByteReader in, Context& context) {
  const ByteReader whole = in;
  const auto header = in.peek<kMinHeader>();
  if (!header) return decode_part(in, context);
  record::Packet& out = context.out;
  out.set_src_port(header->u16<0>());
  out.set_dst_port(header->u16<2>());
  out.set_tcp_seq(header->u32<4>());
  out.set_tcp_ack(header->u32<8>());
  out.set_tcp_flags(header->u8<13>());
  out.set_tcp_window(header->u16<14>());
  const size_t header_size = (header->u8<12>() >> 4) * 4U;
  if (header_size < kMinHeader || header_size > in.wire_size()) return context.malformed();
  out.set_payload_len(static_cast<uint32_t>(in.wire_size() - header_size));
  if (!in.skip(header_size)) return context.ended_early(whole, header_size);
  out.set_payload(in.bytes());
  if (in.empty() || !context.wants(Depth::application)) return {};
  return application(Transport::tcp, in, context);
}

}  // namespace

const Protocol kTcp{"tcp", decode_tcp};

}  // namespace wl::packet
