#include "libcommon/filter/literal.h"

#include <charconv>
#include <cmath>
#include <optional>

#include "libcommon/base/time.h"

namespace wl::filter {
namespace {

/// 80, 0x50, 0120, 0b1010000; all of `text`.
std::optional<uint64_t> whole(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) base = 16;
  if (text.starts_with("0b") || text.starts_with("0B")) base = 2;
  if (base != 10) {
    text.remove_prefix(2);
  } else if (text.size() > 1 && text[0] == '0') {
    base = 8;
  }
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// aa:bb:cc:dd:ee:ff, aa-bb-…, aabb.ccdd.eeff
std::optional<std::string> mac_bytes(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c == ':' || c == '-' || c == '.') continue;
    digits += c;
  }
  const char between = text.size() == 17 ? text[2] : '.';
  if (digits.size() != 12 || text.size() != (between == '.' ? 14U : 17U)) return std::nullopt;
  const size_t step = between == '.' ? 5 : 3;
  for (size_t i = step - 1; i < text.size(); i += step) {
    if (text[i] != between) return std::nullopt;
  }
  std::string bytes;
  for (size_t i = 0; i < digits.size(); i += 2) {
    unsigned byte = 0;
    if (std::from_chars(&digits[i], &digits[i] + 2, byte, 16).ptr != &digits[i] + 2) return std::nullopt;
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

/// 1400000000, 1400000000.25
std::optional<int64_t> seconds(std::string_view text) {
  const size_t dot = std::min(text.find('.'), text.size());
  std::string fraction(text.substr(std::min(dot + 1, text.size())));
  int64_t whole_seconds = 0;
  int64_t ns = 0;
  const auto read = [](std::string_view digits, int64_t& into) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), into);
    return error == std::errc{} && end == digits.data() + digits.size();
  };
  constexpr int64_t kMost = INT64_MAX / base::kSecond - 1;
  if (!read(text.substr(0, dot), whole_seconds) || whole_seconds < 0 || whole_seconds > kMost)
    return std::nullopt;
  fraction.resize(9, '0');
  if (dot < text.size() && (!read(fraction, ns) || ns < 0)) return std::nullopt;
  return whole_seconds * base::kSecond + ns;
}

}  // namespace

base::Result<Range> read_value(const FilterField& field, const Token& token) {
  const auto bad = [&](const std::string& takes) {
    return fail_at(token.column,
                   "\"" + token.text + "\" is no value of " + std::string(field.name) + ": " + takes);
  };
  const bool word = token.kind == Token::Kind::word;
  if (!word && token.kind != Token::Kind::text)
    return fail_at(token.column, "a value of " + std::string(field.name) + " is expected");
  Range range;
  switch (field.type) {
    case Type::boolean:
      if (token.text == "True" || token.text == "TRUE") {
        range.first.number = 1;
        break;
      }
      if (token.text == "False" || token.text == "FALSE") break;
      [[fallthrough]];
    case Type::number: {
      const uint64_t limit = field.type == Type::boolean ? UINT64_MAX : field.limit;
      const auto number = word ? whole(token.text) : std::nullopt;
      if (!number || *number > limit)
        return bad(field.type == Type::boolean ? "True, False, 1 or 0"
                                               : "numbers up to " + std::to_string(limit));
      range.first.number = field.type == Type::boolean ? (*number != 0 ? 1 : 0) : *number;
      break;
    }
    case Type::ipv4:
    case Type::ipv6:
    case Type::ip: {
      const auto network = word ? packet::parse_network(token.text) : base::fail("");
      const unsigned version = field.type == Type::ipv4 ? 4 : field.type == Type::ipv6 ? 6 : 0;
      if (!network || (version != 0 && network->address.version != version))
        return bad(version == 6 ? "2001:db8::1 or 2001:db8::/32" : "10.0.0.1 or 10.0.0.0/8");
      range.network = *network;
      range.first.ip = network->address;
      break;
    }
    case Type::mac: {
      auto bytes = word ? mac_bytes(token.text) : std::nullopt;
      if (!bytes) return bad("aa:bb:cc:dd:ee:ff");
      range.bytes = std::move(*bytes);
      break;
    }
    case Type::text: range.bytes = token.text; break;
    case Type::time: {
      const auto ns = base::parse_rfc3339(token.text.size() == 10 ? token.text + "T00:00:00" : token.text);
      if (!ns) return bad("\"2026-11-20 09:03:00\"");
      range.first.number = static_cast<uint64_t>(*ns);
      break;
    }
    case Type::epoch: {
      const auto ns = word ? seconds(token.text) : std::nullopt;
      if (!ns) return bad("seconds since 1970: 1793869380.5");
      range.first.number = static_cast<uint64_t>(*ns);
      break;
    }
    case Type::protocol:
      return fail_at(token.column, std::string(field.name) + " is a protocol and has no value");
  }
  range.last = range.first;
  return range;
}

}  // namespace wl::filter
