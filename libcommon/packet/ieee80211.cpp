#include "libcommon/packet/ieee80211.h"

#include "libcommon/packet/llc.h"

namespace wl::packet {
namespace {

// Frame control, as a little-endian number (IEEE 802.11-2016, 9.2.4.1).
constexpr uint16_t kTypeMask = 0x000c;
constexpr uint16_t kTypeData = 0x0008;
constexpr uint16_t kNoData = 0x0040;
constexpr uint16_t kQos = 0x0080;
constexpr uint16_t kBothDirections = 0x0300;
constexpr uint16_t kMoreFragments = 0x0400;
constexpr uint16_t kProtected = 0x4000;
constexpr uint16_t kHtControl = 0x8000;

constexpr uint8_t kAggregated = 0x80;

/// Control, duration, three addresses, sequence; then what the frame control calls for.
size_t header_size(uint16_t control) {
  size_t size = 24;
  if ((control & kBothDirections) == kBothDirections) size += 6;
  if ((control & kQos) != 0) size += (control & kHtControl) != 0 ? 6 : 2;
  return size;
}

/// The first frame of an A-MSDU (9.3.2.2): destination, source, length.
Next first_subframe(ByteReader in, Context& context) {
  const auto header = in.take<14>();
  if (!header) return context.ended_early(in, 14);
  const size_t length = header->u16<12>();
  if (length > in.wire_size()) context.malformed();
  return {&kLlc, in.first(length)};
}

Next decode_ieee80211(ByteReader in, Context& context) {
  const auto fixed = in.peek<2>();
  if (!fixed) return context.ended_early(in, 2);
  // The lowest bits are the version, 0. Access points that send frames in CAPWAP swap the two bytes.
  const bool swapped = (fixed->u8<0>() & 3U) != 0;
  const uint16_t control = swapped ? fixed->u16<0>() : fixed->le16<0>();
  if ((control & kTypeMask) != kTypeData) return {};
  const auto addresses = in.peek<24>();
  const size_t size = header_size(control);
  const size_t qos_at = (control & kBothDirections) == kBothDirections ? 30 : 24;
  const uint8_t qos = (control & kQos) != 0 ? in.at(qos_at).value_or(0) : uint8_t{0};
  const ByteReader whole = in;
  if (!addresses || !in.skip(size)) return context.ended_early(whole, size);
  const bool fragment = (addresses->le16<22>() & 0x000fU) != 0 || (control & kMoreFragments) != 0;
  if ((control & (kNoData | kProtected)) != 0 || fragment) return {};
  return (qos & kAggregated) != 0 ? first_subframe(in, context) : Next{&kLlc, in};
}

}  // namespace

const Protocol kIeee80211{"wlan", decode_ieee80211};

}  // namespace wl::packet
