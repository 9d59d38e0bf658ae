#include "libcommon/filter/literal.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "libcommon/base/time.h"
#include "libcommon/base/units.h"

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

/// aa:bb:cc:dd:ee:ff, aa-bb-cc-dd-ee-ff, aabb.ccdd.eeff
std::optional<std::string> mac_bytes(std::string_view text) {
  const char between = text.size() == 14 ? '.' : text.size() == 17 && text[2] == '-' ? '-' : ':';
  const size_t group = between == '.' ? 2 : 1;  // bytes
  std::string bytes;
  while (!text.empty()) {
    if (!bytes.empty() && bytes.size() % group == 0) {
      if (text[0] != between) return std::nullopt;
      text.remove_prefix(1);
    }
    unsigned byte = 0;
    if (text.size() < 2 || std::from_chars(text.data(), text.data() + 2, byte, 16).ptr != text.data() + 2)
      return std::nullopt;
    bytes += static_cast<char>(byte);
    text.remove_prefix(2);
  }
  return bytes.size() == 6 ? std::optional(bytes) : std::nullopt;
}

/// 1400000000, 1400000000.25; what is smaller than a nanosecond is cut.
std::optional<int64_t> seconds(std::string_view text) {
  const size_t dot = std::min(text.find('.'), text.size());
  std::string fraction(text.substr(std::min(dot + 1, text.size())));
  constexpr uint64_t kMost = INT64_MAX / base::kSecond - 1;
  const auto whole_seconds = base::parse_number(text.substr(0, dot), kMost);
  if (!whole_seconds || fraction.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  fraction.resize(9, '0');
  return static_cast<int64_t>(*whole_seconds * base::kSecond + base::parse_number(fraction).value_or(0));
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
      if (word && (token.text == "True" || token.text == "TRUE")) {
        range.first.number = 1;
        break;
      }
      if (word && (token.text == "False" || token.text == "FALSE")) break;
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
      const std::string_view rest = token.text.size() == 10   ? "T00:00:00"
                                    : token.text.size() == 16 ? ":00"
                                                              : "";
      const auto ns = base::parse_rfc3339(token.text + std::string(rest));
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
