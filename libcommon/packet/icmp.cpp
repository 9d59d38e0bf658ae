#include "libcommon/packet/icmp.h"

namespace wl::packet {
namespace {

constexpr size_t kHeader = 4;

Next decode_icmp(ByteReader in, Context& context) {
  const auto type = in.at(0);
  const auto code = in.at(1);
  if (type) context.out.set_icmp_type(*type);
  if (code) context.out.set_icmp_code(*code);
  if (!in.skip(kHeader)) return context.ended_early(in, kHeader);
  context.out.set_payload_len(static_cast<uint32_t>(in.wire_size()));
  context.out.set_payload(in.bytes());
  return {};
}

}  // namespace

const Protocol kIcmp{"icmp", decode_icmp};
const Protocol kIcmpv6{"icmpv6", decode_icmp};

}  // namespace wl::packet
