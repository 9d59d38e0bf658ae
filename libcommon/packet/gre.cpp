#include "libcommon/packet/gre.h"

#include "libcommon/packet/dispatch.h"
#include "libcommon/packet/erspan.h"
#include "libcommon/packet/ethernet.h"
#include "libcommon/packet/ppp.h"

namespace wl::packet {
namespace {

// The first two bytes (RFC 1701, RFC 2890).
constexpr uint16_t kChecksum = 0x8000;
constexpr uint16_t kRouting = 0x4000;
constexpr uint16_t kKey = 0x2000;
constexpr uint16_t kSequence = 0x1000;
constexpr uint16_t kAcknowledgement = 0x0080;  // version 1
constexpr uint16_t kVersion = 0x0007;

constexpr uint16_t kWccp = 0x883e;
constexpr uint16_t kErspan12 = 0x88be;

/// RFC 1701: source routes, each with a family, an offset and its length; family 0 ends them.
bool skip_routes(ByteReader& in) {
  while (const auto route = in.take<4>()) {
    if (route->u16<0>() == 0) return true;
    if (!in.skip(route->u8<3>())) return false;
  }
  return false;
}

/// WCCP puts a redirect header of 4 bytes before the packet in its second version: a packet begins with 4.
Next decode_wccp(ByteReader in, Context& context) {
  if ((in.at(0).value_or(0) >> 4) != 4 && !in.skip(4)) return context.ended_early(in, 4);
  return go_on(by_ip_version(in), in);
}

Next decode_version_0(uint16_t flags, uint16_t type, ByteReader in, Context& context) {
  size_t size = 0;
  if ((flags & (kChecksum | kRouting)) != 0) size += 4;
  if ((flags & kKey) != 0) size += 4;
  if ((flags & kSequence) != 0) size += 4;
  if (!in.skip(size)) return context.ended_early(in, size);
  if ((flags & kRouting) != 0 && !skip_routes(in)) return context.ended_early(in, in.size() + 1);
  switch (type) {
    case kWccp: return decode_wccp(in, context);
    // ERSPAN type I is the frame itself; type II has a header, and a sequence number before it.
    case kErspan12: return {(flags & kSequence) != 0 ? &kErspan : &kEthernet, in};
    default: return go_on(by_ethertype(type), in);
  }
}

/// RFC 2637, section 4.1: the key is the length of the payload and the call.
Next decode_version_1(uint16_t flags, ByteReader in, Context& context) {
  const auto key = in.take<4>();
  if (!key) return context.ended_early(in, 4);
  size_t size = 0;
  if ((flags & kSequence) != 0) size += 4;
  if ((flags & kAcknowledgement) != 0) size += 4;
  if (!in.skip(size)) return context.ended_early(in, size);
  const size_t length = key->u16<0>();
  if (length > in.wire_size()) context.malformed();  // noted; what is there is still read
  return length == 0 ? Next{} : Next{&kPpp, in.first(length)};
}

Next decode_gre(ByteReader in, Context& context) {
  const auto header = in.take<4>();
  if (!header) return context.ended_early(in, 4);
  context.enter_tunnel("gre");
  const uint16_t flags = header->u16<0>();
  switch (flags & kVersion) {
    case 0: return decode_version_0(flags, header->u16<2>(), in, context);
    case 1: return decode_version_1(flags, in, context);
    default: return context.malformed();
  }
}

}  // namespace

const Protocol kGre{"gre", decode_gre};

}  // namespace wl::packet
