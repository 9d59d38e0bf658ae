#include "libcommon/packet/l2tp.h"

#include "libcommon/packet/named.h"
#include "libcommon/packet/ppp.h"

namespace wl::packet {
namespace {

// The first two bytes (RFC 2661, section 3.1).
constexpr uint16_t kControl = 0x8000;
constexpr uint16_t kLength = 0x4000;
constexpr uint16_t kSequence = 0x0800;
constexpr uint16_t kOffset = 0x0200;
constexpr uint16_t kVersion = 0x000f;

/// The length counts from the start of the header; `behind` bytes of it are read.
ByteReader bounded(const ByteReader& in, size_t length, size_t behind, Context& context) {
  if (length < behind || length - behind > in.wire_size()) {
    context.malformed();  // noted; what is there is still read
    return in;
  }
  return in.first(length - behind);
}

Next decode_l2tp(ByteReader in, Context& context) {
  const auto first = in.take_u16();
  if (!first) return context.ended_early(in, 2);
  if ((*first & kVersion) != 2 || (*first & kControl) != 0) return {};
  if ((*first & kLength) != 0) {
    const auto length = in.take_u16();
    if (!length) return context.ended_early(in, 2);
    in = bounded(in, *length, 4, context);
  }
  const size_t numbers = (*first & kSequence) != 0 ? 8 : 4;
  if (!in.skip(numbers)) return context.ended_early(in, numbers);
  if ((*first & kOffset) != 0) {
    const auto offset = in.take_u16();
    if (!offset) return context.ended_early(in, 2);
    if (!in.skip(*offset)) return context.ended_early(in, *offset);
  }
  context.enter_tunnel("l2tp");
  return in.wire_size() == 0 ? Next{} : Next{&kPpp, in};
}

}  // namespace

const Protocol kL2tp{"l2tp", decode_l2tp};
const Protocol kL2tpOverIp{"l2tp", name_only};

}  // namespace wl::packet
