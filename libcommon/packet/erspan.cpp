#include "libcommon/packet/erspan.h"

#include "libcommon/packet/dispatch.h"
#include "libcommon/packet/ethernet.h"

namespace wl::packet {
namespace {

constexpr size_t kHeader2 = 8;
constexpr size_t kHeader3 = 12;
constexpr size_t kPlatformHeader = 8;

Next decode_erspan(ByteReader in, Context& context) {
  if (!in.skip(kHeader2)) return context.ended_early(in, kHeader2);
  context.enter_tunnel("erspan");
  return {&kEthernet, in};
}

/// The header ends with frame type (0 Ethernet, 2 IP), hardware id, direction, granularity, and O, which
/// announces a platform-specific part.
Next decode_erspan3(ByteReader in, Context& context) {
  const auto header = in.take<kHeader3>();
  if (!header) return context.ended_early(in, kHeader3);
  context.enter_tunnel("erspan");
  const uint16_t last = header->u16<10>();
  if ((last & 1U) != 0 && !in.skip(kPlatformHeader)) return context.ended_early(in, kPlatformHeader);
  switch (last >> 10 & 0x1fU) {
    case 0: return {&kEthernet, in};
    case 2: return go_on(by_ip_version(in), in);
    default: return {};
  }
}

}  // namespace

const Protocol kErspan{"erspan", decode_erspan};
const Protocol kErspan3{"erspan", decode_erspan3};

}  // namespace wl::packet
