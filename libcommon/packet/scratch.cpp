#include "libcommon/packet/scratch.h"

#include <algorithm>
#include <cstdint>

#include "libcommon/base/utf8.h"

namespace wl::packet {
namespace {

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
    const size_t length = base::utf8_length(at, end);
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
