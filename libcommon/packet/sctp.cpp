#include "libcommon/packet/sctp.h"

namespace wl::packet {
namespace {

constexpr size_t kHeader = 12;

Next decode_sctp(ByteReader in, Context& context) {
  const ByteReader whole = in;
  if (const auto ports = in.peek<4>()) {
    context.out.set_src_port(ports->u16<0>());
    context.out.set_dst_port(ports->u16<2>());
  }
  if (!in.skip(kHeader)) return context.ended_early(whole, kHeader);
  context.out.set_payload_len(static_cast<uint32_t>(in.wire_size()));
  context.out.set_payload(in.bytes());
  return {};
}

}  // namespace

const Protocol kSctp{"sctp", decode_sctp};

}  // namespace wl::packet
