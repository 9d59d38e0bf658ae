#include "libcommon/base/utf8.h"

#include <cstdint>
#include <cstring>

namespace wl::base {

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

bool utf8_so_far(std::string_view text, size_t& checked) {
  const char* const end = text.data() + text.size();
  while (checked != text.size()) {
    uint64_t ascii = 0;  // mostly
    while (text.size() - checked >= 8 &&
           (std::memcpy(&ascii, text.data() + checked, 8), (ascii & 0x8080808080808080) == 0))
      checked += 8;
    if (checked == text.size()) break;
    const size_t length = utf8_length(text.data() + checked, end);
    if (length == 0) break;
    checked += length;
  }
  const std::string begun(text.substr(checked, 4));
  // It has begun well when the least or the greatest bytes that can follow complete it.
  for (const char* const rest : {"\x80\x80\x80", "\xbf\xbf\xbf"}) {
    const std::string whole = begun + rest;
    if (begun.empty() || utf8_length(whole.data(), whole.data() + whole.size()) > begun.size()) return true;
  }
  return false;
}

bool is_utf8(std::string_view text) {
  size_t checked = 0;
  return utf8_so_far(text, checked) && checked == text.size();
}

std::string wire_text(std::string_view bytes) {
  constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size());
  const char* const end = bytes.data() + bytes.size();
  for (const char* at = bytes.data(); at != end;) {
    const size_t length = utf8_length(at, end);
    if (length == 0) {
      const auto byte = static_cast<uint8_t>(*at++);
      text += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
      continue;
    }
    if (*at == '\\') text += '\\';
    text.append(at, length);
    at += length;
  }
  return text;
}

std::string utf8_text(std::string_view bytes) {
  return is_utf8(bytes) ? std::string(bytes) : wire_text(bytes);
}

}  // namespace wl::base
