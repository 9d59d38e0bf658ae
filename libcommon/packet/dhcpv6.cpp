#include "libcommon/packet/dhcpv6.h"

namespace wl::packet {
namespace {

constexpr uint8_t kRelayForward = 12;
constexpr uint8_t kRelayReply = 13;
constexpr uint8_t kLastType = 36;  // "Message Types" of IANA's DHCPv6 parameters

Next decode_dhcpv6(ByteReader, Context& context) {
  context.out.set_app("dhcpv6");
  return {};
}

}  // namespace

bool is_dhcpv6(const ByteReader& payload) {
  ByteReader rest = payload;
  const uint8_t type = rest.at(0).value_or(0);
  if (type == 0 || type > kLastType) return false;
  const bool relayed = type == kRelayForward || type == kRelayReply;
  if (!rest.skip(relayed ? 34 : 4)) return rest.cut();
  while (const auto option = rest.take<4>()) {
    const size_t size = option->u16<2>();
    if (size > rest.wire_size()) return false;
    if (!rest.skip(size)) return true;
  }
  return rest.empty() || rest.cut();
}

const Protocol kDhcpv6{"dhcpv6", decode_dhcpv6};

}  // namespace wl::packet
