#include "libcommon/packet/snmp.h"

#include <optional>

namespace wl::packet {
namespace {

constexpr uint8_t kSequence = 0x30;
constexpr uint8_t kInteger = 0x02;
constexpr uint8_t kOctets = 0x04;

/// A definite length (X.690, section 8.1.3) of at most four bytes.
std::optional<size_t> take_length(ByteReader& in) {
  const auto first = in.take_u8();
  if (!first || *first < 0x80) return first;
  const unsigned count = *first & 0x7fU;
  if (count == 0 || count > 4) return std::nullopt;
  size_t length = 0;
  for (unsigned i = 0; i < count; ++i) {
    const auto byte = in.take_u8();
    if (!byte) return std::nullopt;
    length = length << 8 | *byte;
  }
  return length;
}

Next decode_snmp(ByteReader, Context& context) {
  context.out.set_app("snmp");
  return {};
}

}  // namespace

bool is_snmp(const ByteReader& payload) {
  ByteReader rest = payload;
  if (rest.take_u8() != kSequence) return false;
  const auto size = take_length(rest);
  if (!size || *size != rest.wire_size()) return false;
  if (rest.take_u8() != kInteger || take_length(rest) != 1) return false;
  const auto version = rest.take_u8();  // 0: 1, 1: 2c, 3: 3
  if (!version || *version > 3 || *version == 2) return false;
  // The community, or version 3's header.
  return rest.take_u8() == (*version == 3 ? kSequence : kOctets);
}

const Protocol kSnmp{"snmp", decode_snmp};

}  // namespace wl::packet
