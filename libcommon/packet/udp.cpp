#include "libcommon/packet/udp.h"

#include "libcommon/packet/application.h"
#include "libcommon/packet/dispatch.h"

namespace wl::packet {
namespace {

constexpr size_t kHeader = 8;

Next deliver(const ByteReader& payload, Context& context) {
  record::Packet& out = context.out;
  out.set_payload_len(static_cast<uint32_t>(payload.wire_size()));
  out.set_payload(payload.bytes());
  if (payload.empty() || !context.wants(Depth::application)) return {};
  const Protocol* const tunnel = by_udp_port(out.src_port, out.dst_port, payload);
  if (tunnel != nullptr) return {tunnel, payload};
  return application(Transport::udp, payload, context);
}

void note_ports(const ByteReader& in, Context& context) {
  const auto ports = in.peek<4>();
  if (!ports) return;
  context.out.set_src_port(ports->u16<0>());
  context.out.set_dst_port(ports->u16<2>());
}

Next decode_udp(ByteReader in, Context& context) {
  note_ports(in, context);
  const auto header = in.take<kHeader>();
  if (!header) return context.ended_early(in, kHeader);
  // A length of 0 is a jumbogram (RFC 2675, section 4).
  const size_t length = header->u16<4>();
  if (length != 0 && length < kHeader) return context.malformed();
  if (length > in.wire_size() + kHeader) context.malformed();  // noted; what is there is still read
  return deliver(length == 0 ? in : in.first(length - kHeader), context);
}

Next decode_udp_lite(ByteReader in, Context& context) {
  note_ports(in, context);
  if (!in.skip(kHeader)) return context.ended_early(in, kHeader);
  return deliver(in, context);
}

}  // namespace

const Protocol kUdp{"udp", decode_udp};
const Protocol kUdpLite{"udplite", decode_udp_lite};

}  // namespace wl::packet
