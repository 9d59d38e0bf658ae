#include "libcommon/packet/ayiya.h"

#include "libcommon/packet/dispatch.h"

namespace wl::packet {
namespace {

constexpr size_t kHeader = 8;
constexpr uint8_t kForward = 1;

/// draft-massar-v6ops-ayiya-02, section 3: lengths of identity (a power of 2) and signature (in units of 4
/// bytes), operation, next header, time; then identity, signature and packet.
Next decode_ayiya(ByteReader in, Context& context) {
  const auto header = in.take<kHeader>();
  if (!header) return context.ended_early(in, kHeader);
  const size_t identity = size_t{1} << (header->u8<0>() >> 4);
  const size_t signature = (header->u8<1>() >> 4) * size_t{4};
  if (!in.skip(identity + signature)) return context.ended_early(in, identity + signature);
  if ((header->u8<2>() & 0x0fU) != kForward) return {};
  context.enter_tunnel("ayiya");
  return go_on(by_ip_protocol(header->u8<3>()), in);
}

}  // namespace

const Protocol kAyiya{"ayiya", decode_ayiya};

}  // namespace wl::packet
