#include "libcommon/packet/mpls.h"

#include "libcommon/packet/ethernet.h"
#include "libcommon/packet/ipv4.h"
#include "libcommon/packet/ipv6.h"
#include "libcommon/packet/named.h"

namespace wl::packet {
namespace {

constexpr uint32_t kBottomOfStack = 0x100;

/// Nothing says what a stack carries, so its first nibble must: 4 and 6 are IP, 1 an associated channel
/// (RFC 4385), and the rest is a pseudowire when it looks like one.
Next payload(const ByteReader& in, Context& context) {
  const auto first = in.at(0);
  if (!first) return context.ended_early(in, 1);
  switch (*first >> 4) {
    case 1: return {&kPwAch, in};
    case 4: return {&kIpv4, in};
    case 6: return {&kIpv6, in};
    default: return {&kPseudowire, in};
  }
}

Next decode_mpls(ByteReader in, Context& context) {
  const ByteReader whole = in;
  while (const auto entry = in.take<4>()) {
    if (!context.out.present.has(record::Field::mpls_label)) {
      context.out.set_mpls_label(entry->u32<0>() >> 12);
    }
    if ((entry->u32<0>() & kBottomOfStack) != 0) return payload(in, context);
  }
  return context.ended_early(whole, whole.size() / 4 * 4 + 4);
}

/// Ethernet with a control word (RFC 4448, section 4.6), whose first nibble is 0, or without one.
Next decode_pseudowire(ByteReader in, Context& /*context*/) {
  ByteReader behind_control_word = in;
  const bool may_have_control_word = (in.at(0).value_or(0xff) >> 4) == 0 && behind_control_word.skip(4);
  if (may_have_control_word && looks_like_ethernet(behind_control_word)) {
    return {&kEthernet, behind_control_word};
  }
  return looks_like_ethernet(in) ? Next{&kEthernet, in} : Next{};
}

}  // namespace

const Protocol kMpls{"mpls", decode_mpls};
const Protocol kPseudowire{"pw", decode_pseudowire};

}  // namespace wl::packet
