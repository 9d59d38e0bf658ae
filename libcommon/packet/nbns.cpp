#include "libcommon/packet/nbns.h"

#include <algorithm>
#include <array>

namespace wl::packet {
namespace {

constexpr size_t kHeader = 12;
constexpr uint8_t kEncodedName = 32;

/// First-level encoding (RFC 1001, section 14.1): half a byte a letter from A on; the sixteenth byte is the
/// kind of the service.
Next decode_nbns(ByteReader in, Context& context) {
  context.out.set_app("nbns");
  const ByteReader whole = in;
  if (!in.skip(kHeader)) return context.ended_early(whole, kHeader);
  if (in.take_u8() != kEncodedName) return {};
  const auto encoded = in.take<kEncodedName>();
  const auto room = context.scratch.take(kEncodedName / 2);
  if (!encoded || room.empty()) return {};
  const auto letters = encoded->bytes<0, kEncodedName>();
  if (!std::ranges::all_of(letters, [](uint8_t c) { return c >= 'A' && c <= 'P'; })) return {};
  for (size_t i = 0; i < room.size(); ++i) {
    room[i] = static_cast<char>((letters[i * 2] - 'A') << 4 | (letters[i * 2 + 1] - 'A'));
  }
  std::string_view name(room.data(), room.size() - 1);
  name = name.substr(0, std::min(name.find_last_not_of(std::string_view(" \0", 2)) + 1, name.size()));
  if (!name.empty()) context.out.set_name(wire_text(name, context.scratch));
  return {};
}

}  // namespace

const Protocol kNbns{"nbns", decode_nbns};

}  // namespace wl::packet
