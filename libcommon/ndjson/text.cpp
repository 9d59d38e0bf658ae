#include "libcommon/ndjson/text.h"

#include <charconv>

namespace wl::ndjson {
namespace {

constexpr char kHex[] = "0123456789abcdef";

constexpr auto kOctets = [] {
  std::array<detail::FourDigits, 256> table{};
  for (unsigned i = 0; i < 256; ++i) {
    auto& entry = table[i];
    if (i >= 100) entry.text[entry.size++] = static_cast<char>('0' + i / 100);
    if (i >= 10) entry.text[entry.size++] = static_cast<char>('0' + i / 10 % 10);
    entry.text[entry.size++] = static_cast<char>('0' + i % 10);
  }
  return table;
}();

constexpr bool needs_escape(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\' || c == 0x7f;
}

constexpr uint64_t repeat(uint8_t byte) { return 0x0101010101010101ULL * byte; }

/// Non-zero when one of eight bytes is a control character, '"' or '\\' (bytes from 0x80 on are plain).
uint64_t escapes_in(uint64_t word) {
  const auto has_zero = [](uint64_t w) { return (w - repeat(1)) & ~w & repeat(0x80); };
  const uint64_t below_space = (word - repeat(0x20)) & ~word & repeat(0x80);
  return below_space | has_zero(word ^ repeat('"')) | has_zero(word ^ repeat('\\')) |
         has_zero(word ^ repeat(0x7f));
}

char* put_escaped(char* out, char c) {
  *out++ = '\\';
  switch (c) {
    case '"':
    case '\\': *out++ = c; return out;
    case '\n': *out++ = 'n'; return out;
    case '\r': *out++ = 'r'; return out;
    case '\t': *out++ = 't'; return out;
    default: break;
  }
  std::memcpy(out, "u00", 3);
  out[3] = kHex[static_cast<unsigned char>(c) >> 4];
  out[4] = kHex[static_cast<unsigned char>(c) & 15];
  return out + 5;
}

struct ZeroRun {
  int start = -1;
  int length = 0;
};

/// The first longest run of at least two zero groups (RFC 5952, section 4.2).
ZeroRun longest_zero_run(const std::array<uint16_t, 8>& groups) {
  ZeroRun best;
  for (int i = 0; i < 8;) {
    int end = i;
    while (end < 8 && groups[static_cast<size_t>(end)] == 0) ++end;
    if (end - i > best.length && end - i >= 2) best = {i, end - i};
    i = end == i ? i + 1 : end;
  }
  return best;
}

char* put_group(char* out, uint16_t group) {
  if (group >= 0x1000) *out++ = kHex[group >> 12];
  if (group >= 0x100) *out++ = kHex[group >> 8 & 15];
  if (group >= 0x10) *out++ = kHex[group >> 4 & 15];
  *out++ = kHex[group & 15];
  return out;
}

}  // namespace

const std::array<detail::FourDigits, 10000> detail::kFourDigits = [] {
  std::array<FourDigits, 10000> table{};
  for (unsigned i = 0; i < table.size(); ++i) {
    auto& entry = table[i];
    for (unsigned scale = 1000; scale != 0; scale /= 10) {
      if (i >= scale || scale == 1) entry.text[entry.size++] = static_cast<char>('0' + i / scale % 10);
    }
  }
  return table;
}();

char* put_u64(char* out, uint64_t value) { return std::to_chars(out, out + kMaxNumber, value).ptr; }
char* put_i64(char* out, int64_t value) { return std::to_chars(out, out + kMaxNumber, value).ptr; }
char* put_double(char* out, double value) { return std::to_chars(out, out + kMaxNumber, value).ptr; }

char* put_string(char* out, std::string_view text) {
  *out++ = '"';
  const char* at = text.data();
  const char* const end = at + text.size();
  for (; end - at >= 8; at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, at, 8);
    if (escapes_in(word) != 0) break;
    std::memcpy(out, at, 8);
    out += 8;
  }
  for (; at != end; ++at) {
    if (needs_escape(*at)) {
      out = put_escaped(out, *at);
    } else {
      *out++ = *at;
    }
  }
  *out++ = '"';
  return out;
}

char* put_ipv4(char* out, const uint8_t* bytes) {
  for (int i = 0; i < 4; ++i) {
    const auto& octet = kOctets[bytes[i]];
    std::memcpy(out, octet.text, 4);
    out += octet.size;
    *out++ = '.';
  }
  return out - 1;
}

char* put_ipv6(char* out, const uint8_t* bytes) {
  std::array<uint16_t, 8> groups{};
  for (size_t i = 0; i < 8; ++i) groups[i] = static_cast<uint16_t>(bytes[i * 2] << 8 | bytes[i * 2 + 1]);
  const ZeroRun run = longest_zero_run(groups);
  // RFC 5952, section 5: IPv4-mapped addresses keep their dotted quad.
  if (run.start == 0 && run.length == 5 && groups[5] == 0xffff)
    return put_ipv4(put(out, "::ffff:"), bytes + 12);
  for (int i = 0; i < 8; ++i) {
    if (i == run.start) {
      out = put(out, "::");
      i += run.length - 1;
      continue;
    }
    if (i != 0 && i != run.start + run.length) *out++ = ':';
    out = put_group(out, groups[static_cast<size_t>(i)]);
  }
  return out;
}

char* put_mac(char* out, const uint8_t* bytes) {
  for (int i = 0; i < 6; ++i) {
    *out++ = kHex[bytes[i] >> 4];
    *out++ = kHex[bytes[i] & 15];
    *out++ = ':';
  }
  return out - 1;
}

char* put_base64(char* out, std::span<const uint8_t> bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const uint32_t word = uint32_t{bytes[i]} << 16 | uint32_t{bytes[i + 1]} << 8 | bytes[i + 2];
    *out++ = kDigits[word >> 18];
    *out++ = kDigits[word >> 12 & 63];
    *out++ = kDigits[word >> 6 & 63];
    *out++ = kDigits[word & 63];
  }
  if (const size_t rest = bytes.size() - i; rest != 0) {
    const uint32_t word = uint32_t{bytes[i]} << 16 | (rest == 2 ? uint32_t{bytes[i + 1]} << 8 : 0);
    *out++ = kDigits[word >> 18];
    *out++ = kDigits[word >> 12 & 63];
    *out++ = rest == 2 ? kDigits[word >> 6 & 63] : '=';
    *out++ = '=';
  }
  return out;
}

}  // namespace wl::ndjson
