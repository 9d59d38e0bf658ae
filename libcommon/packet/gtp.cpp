#include "libcommon/packet/gtp.h"

#include "libcommon/packet/dispatch.h"

namespace wl::packet {
namespace {

constexpr size_t kHeader = 8;
constexpr uint8_t kUserPacket = 255;
// The first byte: version, protocol type (0: GTP', the charging protocol), and what follows the header.
constexpr uint8_t kVersionAndType = 0xf0;
constexpr uint8_t kVersion1 = 0x30;
constexpr uint8_t kAnyOptional = 0x07;
constexpr uint8_t kHasExtension = 0x04;

/// Extension headers (TS 29.281, 5.2): a length in units of 4 bytes, content, the type of the next one.
bool skip_extensions(uint8_t type, ByteReader& in) {
  while (type != 0) {
    const size_t size = in.at(0).value_or(0) * size_t{4};
    const auto next = size == 0 ? std::nullopt : in.at(size - 1);
    if (!next || !in.skip(size)) return false;
    type = *next;
  }
  return true;
}

Next decode_gtp(ByteReader in, Context& context) {
  const auto header = in.take<kHeader>();
  if (!header) return context.ended_early(in, kHeader);
  const uint8_t flags = header->u8<0>();
  if ((flags & kVersionAndType) != kVersion1 || header->u8<1>() != kUserPacket) return {};
  const size_t length = header->u16<2>();
  if (length > in.wire_size()) context.malformed();  // noted; what is there is still read
  ByteReader payload = in.first(length);
  if ((flags & kAnyOptional) != 0) {
    const auto optional = payload.take<4>();
    if (!optional) return context.ended_early(payload, 4);
    const uint8_t extension = (flags & kHasExtension) != 0 ? optional->u8<3>() : uint8_t{0};
    if (!skip_extensions(extension, payload)) return context.ended_early(payload, payload.size() + 1);
  }
  context.enter_tunnel("gtp");
  return go_on(by_ip_version(payload), payload);
}

}  // namespace

const Protocol kGtp{"gtp", decode_gtp};

}  // namespace wl::packet
