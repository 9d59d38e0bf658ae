#include "tools/netwindow/key.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <tuple>

#include <arpa/inet.h>

#include "libcommon/base/units.h"
#include "tools/netwindow/values.h"

namespace wl::netwindow {
namespace {

using ndjson::Value;
using ndjson::ValueKind;

constexpr int kDefaultPrefix6 = 64;
// Keys are kept in memory; a longer value is a mistake or an attack.
constexpr size_t kMaxValue = 4096;

struct Address {
  int family = 0;  // 4 or 6; 0: none
  std::array<uint8_t, 16> bytes{};
};

Address parse_address(std::string_view text) {
  Address address;
  char terminated[INET6_ADDRSTRLEN] = {};
  if (text.size() >= sizeof terminated) return address;
  std::memcpy(terminated, text.data(), text.size());
  if (::inet_pton(AF_INET, terminated, address.bytes.data()) == 1) {
    address.family = 4;
  } else if (::inet_pton(AF_INET6, terminated, address.bytes.data()) == 1) {
    address.family = 6;
  }
  return address;
}

/// Clears the bits behind the prefix.
void mask(Address& address, int prefix) {
  for (int i = 0; i < 16; ++i) {
    const int kept = std::clamp(prefix - i * 8, 0, 8);
    address.bytes[static_cast<size_t>(i)] &= static_cast<uint8_t>(0xff00 >> kept);
  }
}

Hash hash_address(const Address& address, const Hasher& hasher) {
  return hasher.text({reinterpret_cast<const char*>(address.bytes.data()), address.bytes.size()},
                     static_cast<uint64_t>(address.family));
}

/// src_ip or dst_ip, whichever is not local.
const Value* client_of(const Value& source, const Value& destination, const Value& dir) {
  if (dir.kind != ValueKind::text) return nullptr;
  if (dir.text == "in") return &source;
  return dir.text == "out" ? &destination : nullptr;
}

}  // namespace

size_t Paths::add(std::string_view path) {
  const size_t at = find(path);
  if (at == paths_.size()) paths_.emplace_back(path);
  return at;
}

size_t Paths::find(std::string_view path) const {
  return static_cast<size_t>(std::ranges::find(paths_, path) - paths_.begin());
}

bool is_record_key(std::string_view name) {
  static constexpr std::array<std::string_view, 20> kKeys{
      "type",        "ts",        "until",    "packets",      "bytes",        "in_packets", "in_bytes",
      "out_packets", "out_bytes", "count",    "protocols",    "flows",        "flows_min",  "first",
      "last",        "keys",      "keys_min", "missed_bytes", "missed_count", "windows"};
  return name.starts_with("sum_") || std::ranges::count(kKeys, name) != 0;
}

std::string flat_name(std::string_view path) {
  std::string name(path);
  std::ranges::replace(name, '.', '_');
  return name;
}

bool address_less(std::string_view a, std::string_view b) {
  const Address x = parse_address(a);
  const Address y = parse_address(b);
  const auto rank = [](const Address& address) { return address.family == 0 ? 9 : address.family; };
  return std::tuple(rank(x), x.bytes, a) < std::tuple(rank(y), y.bytes, b);
}

std::optional<std::string> network_of(std::string_view text, int prefix4, int prefix6) {
  Address address = parse_address(text);
  if (address.family == 0) return std::nullopt;
  mask(address, address.family == 4 ? prefix4 : prefix6);
  char network[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(address.family == 4 ? AF_INET : AF_INET6, address.bytes.data(), network, sizeof network);
  return std::string(network);
}

base::Result<KeySpec> KeySpec::parse(std::string_view text, Paths& paths, From from) {
  KeySpec spec;
  if (text == "none") return spec;
  for (;;) {
    const size_t comma = text.find(',');
    auto part = parse_part(text.substr(0, comma), paths, from);
    if (!part) return base::with_context("--by", part.error());
    if (std::ranges::count(spec.parts_, part->name, &Part::name) != 0) {
      return base::fail("--by: " + part->name + " stands there twice", {}, base::Exit::usage);
    }
    spec.parts_.push_back(std::move(*part));
    if (comma == std::string_view::npos) return spec;
    text.remove_prefix(comma + 1);
  }
}

base::Result<KeySpec::Part> KeySpec::parse_part(std::string_view text, Paths& paths, From from) {
  const auto bad = [&text](const char* reason) {
    return base::fail(std::string(text) + ": " + reason, "for example src_ip/24,dst_port", base::Exit::usage);
  };
  const size_t slash = text.find('/');
  const std::string_view path = text.substr(0, slash);
  if (path.empty()) return bad("a field is missing");
  Part part;
  part.name = flat_name(path);
  if (is_record_key(part.name)) return bad("is a key of the window record itself");
  if (from == From::windows) {
    part.source = path == "pair" ? Source::as_is : Source::field;
    part.field = paths.add(part.name);
  } else if (path == "client" || path == "pair") {
    part.source = path == "client" ? Source::client : Source::pair;
    part.field = paths.add("src_ip");
    part.other = paths.add("dst_ip");
    part.dir = paths.add("dir");
  } else {
    part.field = paths.add(path);
  }
  if (slash == std::string_view::npos) return part;
  if (part.source != Source::field) return bad("takes no prefix length");
  part.source = Source::network;
  const std::string_view lengths = text.substr(slash + 1);
  const size_t second = lengths.find('/');
  const auto first = base::parse_number(lengths.substr(0, second), 128);
  if (!first) return bad("not a prefix length");
  const int length = static_cast<int>(*first);
  part.prefix4 = std::min(length, 32);
  part.prefix6 = length > 32 ? length : kDefaultPrefix6;
  if (second == std::string_view::npos) return part;
  const auto six = base::parse_number(lengths.substr(second + 1), 128);
  if (!six || length > 32) return bad("not prefix lengths for IPv4 and IPv6");
  part.prefix6 = static_cast<int>(*six);
  return part;
}

KeySpec::State KeySpec::hash(const ndjson::Fields& fields, const Hasher& hasher, Hash& out) const {
  Hash all{};
  for (const Part& part : parts_) {
    Hash h;
    if (const State state = hash_part(part, fields, hasher, h); state != State::key) return state;
    all = hasher.mix(all, h.a, h.b);
  }
  out = Hasher::finished(all);
  return State::key;
}

KeySpec::State KeySpec::hash_part(const Part& part, const ndjson::Fields& fields, const Hasher& hasher,
                                  Hash& out) const {
  const auto wrong = [&](const char* wanted) {
    wrong_ = std::string(wanted) + " in " + part.name;
    return State::wrong;
  };
  const Value& value = fields[part.field];
  if (part.source == Source::client || part.source == Source::pair) {
    const Value& other = fields[part.other];
    if (!value.present() || !other.present()) return State::missing;
    if (value.kind != ValueKind::text || other.kind != ValueKind::text) return wrong("addresses");
    if (part.source == Source::pair) {
      out = hasher.text(value.text, 0) + hasher.text(other.text, 0);
      return State::key;
    }
    const Value* const client = client_of(value, other, fields[part.dir]);
    if (client == nullptr) return State::missing;
    out = hasher.text(client->text, 0);
    return State::key;
  }
  if (!value.present()) return State::missing;
  const ValueKind highest = part.source == Source::as_is ? ValueKind::array : ValueKind::text;
  if (value.kind > highest || value.kind == ValueKind::object) return wrong("text or a number");
  if (value.text.size() > kMaxValue) return wrong("at most 4096 bytes");
  if (part.source == Source::field || part.source == Source::as_is) {
    out = hasher.text(value.text, value.kind == ValueKind::text ? 0 : 1);
    return State::key;
  }
  Address address = parse_address(value.text);
  if (address.family == 0) return wrong("an address");
  mask(address, address.family == 4 ? part.prefix4 : part.prefix6);
  out = hash_address(address, hasher);
  return State::key;
}

std::string KeySpec::text(const ndjson::Fields& fields) const {
  std::string out;
  for (const Part& part : parts_) {
    if (!out.empty()) out += ',';
    append_text(out, part.name);
    out += ':';
    append_part(part, fields, out);
  }
  return out;
}

void KeySpec::append_part(const Part& part, const ndjson::Fields& fields, std::string& out) {
  const Value& value = fields[part.field];
  switch (part.source) {
    case Source::field:
    case Source::as_is:
      if (value.kind == ValueKind::text) return append_text(out, value.text);
      out += value.text;
      return;
    case Source::network:
      return append_text(out, network_of(value.text, part.prefix4, part.prefix6).value_or(""));
    case Source::client:
      return append_text(out, client_of(value, fields[part.other], fields[part.dir])->text);
    case Source::pair: {
      auto [low, high] = std::pair(value.text, fields[part.other].text);
      if (address_less(high, low)) std::swap(low, high);
      out += '[';
      append_text(out, low);
      out += ',';
      append_text(out, high);
      out += ']';
      return;
    }
  }
}

std::vector<std::string> KeySpec::names() const {
  std::vector<std::string> names;
  for (const Part& part : parts_) names.push_back(part.name);
  return names;
}

}  // namespace wl::netwindow
