#include "libcommon/packet/scratch.h"

#include <algorithm>
#include <cstdint>

namespace wl::packet {
namespace {

/// Length of the well-formed UTF-8 sequence at `at` (Unicode 15, table 3-7), 0 when it is none.
size_t utf8_length(const char* at, const char* end) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(at[i]); };
  const auto continues = [&](size_t i) {
    return static_cast<size_t>(end - at) > i && (byte(i) & 0xc0) == 0x80;
  };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return continues(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    if (!continues(1) || !continues(2)) return 0;
    if ((lead == 0xe0 && byte(1) < 0xa0) || (lead == 0xed && byte(1) > 0x9f)) return 0;
    return 3;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    if (!continues(1) || !continues(2) || !continues(3)) return 0;
    if ((lead == 0xf0 && byte(1) < 0x90) || (lead == 0xf4 && byte(1) > 0x8f)) return 0;
    return 4;
  }
  return 0;
}

bool is_plain_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<uint8_t>(c) < 0x80 && c != '\\'; });
}

}  // namespace

std::string_view wire_text(std::string_view bytes, Scratch& scratch) {
  if (is_plain_ascii(bytes)) return bytes;
  constexpr char kHex[] = "0123456789abcdef";
  const auto room = scratch.take(bytes.size() * 4);
  if (room.empty()) return {};
  char* out = room.data();
  const char* const end = bytes.data() + bytes.size();
  for (const char* at = bytes.data(); at != end;) {
    const size_t length = utf8_length(at, end);
    if (length == 0) {
      *out++ = '\\';
      *out++ = 'x';
      *out++ = kHex[static_cast<uint8_t>(*at) >> 4];
      *out++ = kHex[static_cast<uint8_t>(*at) & 15];
      ++at;
      continue;
    }
    if (*at == '\\') *out++ = '\\';
    out = std::copy_n(at, length, out);
    at += length;
  }
  scratch.give_back(out);
  return {room.data(), static_cast<size_t>(out - room.data())};
}

}  // namespace wl::packet
