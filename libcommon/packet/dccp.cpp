#include "libcommon/packet/dccp.h"

namespace wl::packet {
namespace {

constexpr size_t kMinHeader = 12;

Next decode_dccp(ByteReader in, Context& context) {
  const ByteReader whole = in;
  if (const auto ports = in.peek<4>()) {
    context.out.set_src_port(ports->u16<0>());
    context.out.set_dst_port(ports->u16<2>());
  }
  const auto data_offset = in.at(4);
  if (!data_offset) return context.ended_early(whole, kMinHeader);
  const size_t size = *data_offset * size_t{4};
  if (size < kMinHeader || size > in.wire_size()) return context.malformed();
  if (!in.skip(size)) return context.ended_early(whole, size);
  context.out.set_payload_len(static_cast<uint32_t>(in.wire_size()));
  context.out.set_payload(in.bytes());
  return {};
}

}  // namespace

const Protocol kDccp{"dccp", decode_dccp};

}  // namespace wl::packet
