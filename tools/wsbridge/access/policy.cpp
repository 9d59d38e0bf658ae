#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>

#include "tools/wsbridge/access/access.h"

namespace wl::wsbridge::access {
namespace {

constexpr std::string_view kUnix = "unix";

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

/// An address as IPv6 has it: IPv4 as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2), so that both spellings are one.
struct Address {
  std::array<uint8_t, 16> bytes{};
  [[nodiscard]] bool v4() const {
    constexpr std::array<uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return std::equal(kMapped.begin(), kMapped.end(), bytes.begin());
  }
  [[nodiscard]] std::string text() const {
    char out[INET6_ADDRSTRLEN] = {};
    inet_ntop(v4() ? AF_INET : AF_INET6, v4() ? &bytes[12] : bytes.data(), out, sizeof out);
    return out;
  }
};

std::optional<Address> read_address(std::string_view view) {
  const std::string text(view.substr(0, view.find('%')));  // without the zone of a link-local address
  Address address{};
  address.bytes[10] = address.bytes[11] = 0xff;
  if (inet_pton(AF_INET, text.c_str(), &address.bytes[12]) == 1) return address;
  if (inet_pton(AF_INET6, text.c_str(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

struct Network {
  Address address{};
  unsigned bits = 128;
  [[nodiscard]] bool has(const Address& other) const {
    if (address.v4() != other.v4()) return false;
    const unsigned whole = bits / 8;
    const auto mask = static_cast<uint8_t>(0xff00U >> bits % 8);
    return std::memcmp(address.bytes.data(), other.bytes.data(), whole) == 0 &&
           (bits % 8 == 0 || ((address.bytes[whole] ^ other.bytes[whole]) & mask) == 0);
  }
};

/// Networks and, by the word "unix", those who come by a unix socket.
struct Networks {
  std::vector<Network> list{};
  bool by_unix = false;

  [[nodiscard]] bool has(const std::string& text) const {
    const auto address = read_address(text);
    return address
               ? std::any_of(list.begin(), list.end(), [&](const Network& net) { return net.has(*address); })
               : by_unix && text == kUnix;
  }
};

base::Result<Networks> read_networks(const std::vector<std::string>& texts, std::string_view key) {
  Networks networks;
  for (const std::string& text : texts) {
    const size_t slash = std::min(text.find('/'), text.size());
    const auto address = read_address(text.substr(0, slash));
    const unsigned most = address && address->v4() ? 32 : 128;
    unsigned bits = most;
    const char* const end = text.data() + text.size();
    const auto said = std::from_chars(std::min(text.data() + slash + 1, end), end, bits);
    const bool whole = slash == text.size() || (said.ec == std::errc{} && said.ptr == end);
    if (text == kUnix) {
      networks.by_unix = true;
    } else if (address && whole && bits <= most) {
      networks.list.push_back({*address, bits + 128 - most});
    } else {
      return base::fail(std::string(key) + ": \"" + text + "\" is no network",
                        "10.0.0.0/8, fd00::/8 or unix");
    }
  }
  return networks;
}

/// Host or the authority of an origin. `port` is empty where none is said.
struct Authority {
  std::string host{};  ///< lower case; an address as Address::text()
  std::string port{};
  bool is_address = false;
};

std::optional<Authority> read_authority(std::string_view text) {
  const bool bracket = text.starts_with('[');
  const size_t end = bracket ? text.find(']') : std::min(text.find(':'), text.size());
  if (end == std::string_view::npos || end == 0) return std::nullopt;
  const std::string_view name = text.substr(bracket ? 1 : 0, end - (bracket ? 1 : 0));
  std::string_view rest = text.substr(bracket ? end + 1 : end);
  if (!rest.empty() && !rest.starts_with(':')) return std::nullopt;
  if (!rest.empty()) rest.remove_prefix(1);
  if (rest.size() > 5 || rest.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  const auto address = read_address(name);
  if (bracket && !address) return std::nullopt;
  std::string host = address ? address->text() : lower(name);
  if (host.size() > 1 && host.ends_with('.')) host.pop_back();
  if (!address && host.find_first_of("/@?#\\ ") != std::string::npos) return std::nullopt;
  return Authority{std::move(host), std::string(rest), address.has_value()};
}

/// "http://dash.example:80" and "HTTP://dash.example" are one origin. Empty: it is none.
std::string canonical_origin(std::string_view text) {
  const size_t mark = text.find("://");
  if (mark == std::string_view::npos || mark == 0) return {};
  const std::string scheme = lower(text.substr(0, mark));
  const auto authority = read_authority(text.substr(mark + 3));
  if (!authority) return {};
  const std::string usual = scheme == "https" ? "443" : "80";
  return scheme + "://" + authority->host + ":" + (authority->port.empty() ? usual : authority->port);
}

/// All headers of that name as one list (RFC 9110, 5.3); nothing: there is none.
std::optional<std::string> joined(const http::Request& request, std::string_view name) {
  std::optional<std::string> all;
  for (const auto& [key, value] : request.headers) {
    if (lower(key) == name) all = all ? *all + "," + value : value;
  }
  return all;
}

bool came_through_proxy(const http::Request& request) {
  constexpr std::array<std::string_view, 4> kSigns{"x-forwarded-for", "forwarded", "x-real-ip", "via"};
  return std::any_of(kSigns.begin(), kSigns.end(),
                     [&](auto name) { return joined(request, name).has_value(); });
}

/// Who asks. `named`: our proxies said so, in words that make sense.
struct Client {
  std::string address{};
  bool named = false;
};

Client find_client(const http::Request& request, const Networks& proxies) {
  const auto peer = read_address(request.peer.address);
  Client client{peer ? peer->text() : request.peer.address};
  std::string list = joined(request, "x-forwarded-for").value_or("");
  // From the right: each was written by the one behind it, and is believed as far as those are our proxies.
  while (proxies.has(client.address) && !list.empty()) {
    const size_t start = list.rfind(',') + 1;  // 0 without a comma
    auto next = read_address(trimmed(std::string_view(list).substr(start)));
    if (!next) {  // some write "10.0.0.7:5000" and "[fd00::7]:5000"
      const auto authority = read_authority(trimmed(std::string_view(list).substr(start)));
      if (!authority || !authority->is_address) return {client.address};
      next = read_address(authority->host);
    }
    client = {next->text(), true};
    list.resize(start == 0 ? 0 : start - 1);
  }
  return client;
}

}  // namespace

struct Policy::Rules {
  Networks open_to{};
  Networks proxies{};
  std::vector<std::string> origins{};  ///< canonical
  std::vector<std::string> hosts{};
};

Policy::Policy(std::unique_ptr<Rules> rules) : rules_(std::move(rules)) {}
Policy::Policy(Policy&&) noexcept = default;
Policy::~Policy() = default;

base::Result<Policy> Policy::make(const Profile& profile) {
  const std::vector<std::string> itself{"127.0.0.0/8", "::1", std::string(kUnix)};
  const auto open_to = read_networks(profile.open_to.empty() ? itself : profile.open_to, "open_to");
  if (!open_to) return std::unexpected(open_to.error());
  const auto proxies = read_networks(profile.trusted_proxies, "trusted_proxies");
  if (!proxies) return std::unexpected(proxies.error());
  auto rules = std::make_unique<Rules>(Rules{*open_to, *proxies});
  for (const std::string& origin : profile.origins) {
    rules->origins.push_back(canonical_origin(origin));
    if (rules->origins.back().empty())
      return base::fail("origins: \"" + origin + "\" is no origin", "scheme://host:port, nothing behind it");
  }
  for (const std::string& host : profile.hosts) {
    const auto authority = read_authority(host);
    if (!authority) return base::fail("hosts: \"" + host + "\" is no host name");
    rules->hosts.push_back(authority->host);
  }
  return Policy(std::move(rules));
}

bool Policy::host_allowed(const http::Request& request) const {
  const auto host = read_authority(joined(request, "host").value_or(""));  // two of them join to no name
  return host && (host->is_address || host->host == "localhost" ||
                  std::find(rules_->hosts.begin(), rules_->hosts.end(), host->host) != rules_->hosts.end());
}

std::optional<std::string> Policy::origin_allowed(const http::Request& request) const {
  const auto origin = joined(request, "origin");
  if (!origin) return "";
  const std::string theirs = canonical_origin(*origin);
  if (theirs.empty()) return std::nullopt;
  std::string scheme = request.peer.secure ? "https" : "http";
  if (const auto said = joined(request, "x-forwarded-proto");
      said && rules_->proxies.has(request.peer.address))
    scheme = *said;
  const std::string own = canonical_origin(scheme + "://" + joined(request, "host").value_or(""));
  if (theirs == own ||
      std::find(rules_->origins.begin(), rules_->origins.end(), theirs) != rules_->origins.end())
    return origin;
  return std::nullopt;
}

std::string Policy::client_address(const http::Request& request) const {
  return find_client(request, rules_->proxies).address;
}

bool Policy::open_to(const http::Request& request) const {
  // A proxy of ours must say for whom it asks: one that forgot to would open everything to everybody.
  const Client who = find_client(request, rules_->proxies);
  const bool known = rules_->proxies.has(request.peer.address) ? who.named : !came_through_proxy(request);
  return known && rules_->open_to.has(who.address);
}

}  // namespace wl::wsbridge::access
