#include "libcommon/packet/nflog.h"

#include "libcommon/packet/dispatch.h"
#include "libcommon/packet/ipv4.h"
#include "libcommon/packet/ipv6.h"

namespace wl::packet {
namespace {

constexpr uint16_t kPayload = 9;

const Protocol* by_family(uint8_t family) {
  switch (family) {
    case 2: return &kIpv4;
    case 10: return &kIpv6;
    default: return nullptr;
  }
}

/// Family, version, resource; then attributes (length, type, value, padded to 4) in the byte order of the
/// machine; types are small, so that the place of their zero byte tells the order.
Next decode_nflog(ByteReader in, Context& context) {
  const auto header = in.take<4>();
  if (!header) return context.ended_early(in, 4);
  while (const auto attribute = in.take<4>()) {
    const bool little = attribute->u8<2>() != 0 || attribute->u8<3>() == 0;
    const size_t length = little ? attribute->le16<0>() : attribute->u16<0>();
    const uint16_t type = little ? attribute->le16<2>() : attribute->u16<2>();
    if (length < 4) return context.malformed();
    const size_t value = length - 4;
    if (type == kPayload) return go_on(by_family(header->u8<0>()), in.first(value));
    const size_t padded = (value + 3) / 4 * 4;
    if (!in.skip(padded)) return context.ended_early(in, padded);
  }
  return in.empty() ? Next{} : context.ended_early(in, 4);
}

}  // namespace

const Protocol kNflog{"nflog", decode_nflog};

}  // namespace wl::packet
