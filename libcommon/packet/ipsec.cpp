#include "libcommon/packet/ipsec.h"

#include "libcommon/packet/dispatch.h"

namespace wl::packet {
namespace {

constexpr size_t kAhFixed = 12;

Next decode_ah(ByteReader in, Context& context) {
  const ByteReader whole = in;
  const auto header = in.peek<kAhFixed>();
  if (!header) return context.ended_early(in, kAhFixed);
  const size_t size = (header->u8<1>() + 2U) * 4U;  // RFC 4302, section 2.2
  if (size < kAhFixed) return context.malformed();
  if (!in.skip(size)) return context.ended_early(whole, size);
  return upper_layer(header->u8<0>(), in, context);
}

/// SPI and sequence number; the rest is encrypted.
Next decode_esp(ByteReader in, Context& context) { return in.skip(8) ? Next{} : context.ended_early(in, 8); }

/// A keepalive is one byte; four zero bytes in the place of the SPI announce IKE (RFC 3948, section 2).
Next decode_udp_encap(ByteReader in, Context& context) {
  if (in.wire_size() == 1) return {};
  const auto spi = in.peek<4>();
  if (!spi) return context.ended_early(in, 4);
  return spi->u32<0>() == 0 ? Next{} : Next{&kEsp, in};
}

}  // namespace

const Protocol kAh{"ah", decode_ah};
const Protocol kEsp{"esp", decode_esp};
const Protocol kUdpEncap{"udpencap", decode_udp_encap};

}  // namespace wl::packet
