#include "libcommon/packet/dhcp.h"

namespace wl::packet {
namespace {

constexpr size_t kBootp = 236;  // the fixed part
constexpr uint32_t kCookie = 0x63825363;
constexpr uint8_t kPad = 0;
constexpr uint8_t kMessageType = 53;
constexpr uint8_t kEnd = 255;

Next decode_dhcp(ByteReader, Context& context) {
  context.out.set_app("dhcp");
  return {};
}

}  // namespace

bool is_dhcp(const ByteReader& payload) {
  ByteReader rest = payload;
  const auto start = rest.peek<4>();
  if (!start || payload.wire_size() < kBootp) return false;
  const bool known = start->u8<0>() == 1 || start->u8<0>() == 2;  // request, reply
  if (!known || start->u8<2>() > 16 || start->u8<3>() > 16) return false;
  if (!rest.skip(kBootp)) return true;
  const auto cookie = rest.peek<4>();
  return !cookie || cookie->u32<0>() == kCookie;
}

uint8_t dhcp_message_type(ByteReader payload) {
  if (!payload.skip(kBootp + 4)) return 0;
  while (const auto code = payload.take_u8()) {
    if (*code == kPad) continue;
    const auto size = payload.take_u8();
    if (*code == kEnd || !size) return 0;
    if (*code == kMessageType) return payload.at(0).value_or(0);
    if (!payload.skip(*size)) return 0;
  }
  return 0;
}

const Protocol kDhcp{"dhcp", decode_dhcp};

}  // namespace wl::packet
