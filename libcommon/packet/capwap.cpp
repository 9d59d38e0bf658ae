#include "libcommon/packet/capwap.h"

#include "libcommon/packet/ethernet.h"
#include "libcommon/packet/ieee80211.h"

namespace wl::packet {
namespace {

// The header's first four bytes (RFC 5415, section 4.3).
constexpr uint32_t kDtls = 0x01000000;
constexpr uint32_t kNativeFrame = 0x00000100;
constexpr uint32_t kFragment = 0x00000080;
constexpr uint32_t kKeepAlive = 0x00000008;

Next decode_capwap(ByteReader in, Context& context) {
  const ByteReader whole = in;
  const auto header = in.peek<8>();
  if (!header) return context.ended_early(in, 8);
  const uint32_t flags = header->u32<0>();
  if ((flags & (kDtls | kFragment | kKeepAlive)) != 0) return {};
  const size_t size = (flags >> 19 & 0x1fU) * 4U;
  if (size < 8) return context.malformed();
  if (!in.skip(size)) return context.ended_early(whole, size);
  context.enter_tunnel("capwap");
  return {(flags & kNativeFrame) != 0 ? &kIeee80211 : &kEthernet, in};
}

}  // namespace

const Protocol kCapwap{"capwap", decode_capwap};

}  // namespace wl::packet
