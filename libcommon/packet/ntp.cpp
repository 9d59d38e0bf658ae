#include "libcommon/packet/ntp.h"

namespace wl::packet {
namespace {

constexpr unsigned kControl = 6;
constexpr unsigned kPrivate = 7;  // ntpdc's

Next decode_ntp(ByteReader, Context& context) {
  context.out.set_app("ntp");
  return {};
}

}  // namespace

bool is_ntp(const ByteReader& payload) {
  const auto first = payload.at(0);
  if (!first) return false;
  const unsigned mode = *first & 7U;
  const unsigned version = *first >> 3 & 7U;
  if (version < 1 || version > 4) return false;
  switch (mode) {
    case kControl: return payload.wire_size() >= 12;
    case kPrivate: return payload.wire_size() >= 8;
    default: return payload.wire_size() >= 48 && (mode != 0 || version == 1);
  }
}

const Protocol kNtp{"ntp", decode_ntp};

}  // namespace wl::packet
