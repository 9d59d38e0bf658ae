#include "libcommon/packet/radiotap.h"

#include "libcommon/packet/dispatch.h"
#include "libcommon/packet/ieee80211.h"

namespace wl::packet {
namespace {

constexpr size_t kChecksum = 4;

/// The flags field of a radiotap header (0 where it has none). Fields stand in the order of their bits, each
/// aligned to its size: flags (bit 1) come behind the 8-byte time (bit 0).
uint8_t radiotap_flags(const ByteReader& header, uint32_t present) {
  ByteReader words = header;
  if ((present & 2U) == 0 || !words.skip(4)) return 0;
  size_t at = 4;
  // Bit 31 of each word of the bitmap says that another one follows.
  for (bool more = true; more; at += 4) {
    const auto word = words.take<4>();
    if (!word) return 0;
    more = (word->le32<0>() >> 31) != 0;
  }
  if ((present & 1U) != 0) at = (at + 7) / 8 * 8 + 8;
  return header.at(at).value_or(0);
}

Next decode_radiotap(ByteReader in, Context& context) {
  const ByteReader whole = in;
  const auto fixed = in.peek<8>();
  if (!fixed) return context.ended_early(in, 8);
  const size_t size = fixed->le16<2>();
  if (size < 8) return context.malformed();
  if (!in.skip(size)) return context.ended_early(whole, size);
  const uint8_t flags = radiotap_flags(whole.first(size), fixed->le32<4>());
  const bool has_checksum = (flags & 0x10U) != 0;
  return {&kIeee80211, has_checksum ? in.without_last(kChecksum) : in};
}

Next decode_avs(ByteReader in, Context& context) {
  const ByteReader whole = in;
  const auto fixed = in.peek<8>();
  if (!fixed) return context.ended_early(in, 8);
  const size_t size = fixed->u32<4>();
  if (size < 8) return context.malformed();
  if (!in.skip(size)) return context.ended_early(whole, size);
  return {&kIeee80211, in};
}

/// The driver's header in the byte order of its machine, or an AVS header, whose magic tells it apart.
Next decode_prism(ByteReader in, Context& context) {
  const ByteReader whole = in;
  const auto fixed = in.peek<8>();
  if (!fixed) return context.ended_early(in, 8);
  if ((fixed->u32<0>() & 0xfffff000U) == 0x80211000U) return decode_avs(in, context);
  const uint32_t little = fixed->le32<4>();
  const size_t size = little > 0xffff ? fixed->u32<4>() : little;
  if (size < 8) return context.malformed();
  if (!in.skip(size)) return context.ended_early(whole, size);
  return {&kIeee80211, in};
}

/// Whether the 802.11-Common field (type 2) of a PPI header says that frames end with their checksum.
bool ppi_says_checksum(ByteReader fields) {
  while (const auto field = fields.take<4>()) {
    const ByteReader data = fields.take_reader(field->le16<2>());
    if (field->le16<0>() == 2) return (data.at(8).value_or(0) & 1U) != 0;
  }
  return false;
}

Next decode_ppi(ByteReader in, Context& context) {
  const ByteReader whole = in;
  const auto fixed = in.peek<8>();
  if (!fixed) return context.ended_early(in, 8);
  const size_t size = fixed->le16<2>();
  if (size < 8) return context.malformed();
  if (!in.skip(size)) return context.ended_early(whole, size);
  const uint32_t link_type = fixed->le32<4>();
  if (link_type > 0xffff) return {};
  const Protocol* const protocol = by_link_type(static_cast<uint16_t>(link_type)).protocol;
  ByteReader fields = whole.first(size);
  const bool has_checksum = protocol == &kIeee80211 && fields.skip(8) && ppi_says_checksum(fields);
  return go_on(protocol, has_checksum ? in.without_last(kChecksum) : in);
}

}  // namespace

const Protocol kRadiotap{"radiotap", decode_radiotap};
const Protocol kPrism{"prism", decode_prism};
const Protocol kAvs{"wlancap", decode_avs};
const Protocol kPpi{"ppi", decode_ppi};

}  // namespace wl::packet
