#include <algorithm>
#include <array>

#include <arpa/inet.h>

#include "libcommon/packet/local_addresses.h"
#include "tools/wsbridge/access/access.h"

namespace wl::wsbridge::access {
namespace {

using Networks = packet::LocalAddresses;

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

/// An address; ::ffff:10.0.0.1 is 10.0.0.1 (RFC 4291, 2.5.5.2), and who comes by a unix socket is of this
/// machine.
std::optional<record::Ip> read_address(std::string_view text) {
  if (text == "unix") text = "127.0.0.1";
  text = text.substr(0, text.find('%'));  // without the zone of a link-local address
  const auto network = packet::parse_network(text);
  if (!network || text.find('/') != std::string_view::npos) return std::nullopt;
  record::Ip address = network->address;
  constexpr std::array<uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (address.version == 6 && std::equal(kMapped.begin(), kMapped.end(), address.bytes.begin())) {
    std::copy_n(&address.bytes[12], 4, address.bytes.begin());
    address.version = 4;
  }
  return address;
}

std::string text_of(const record::Ip& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(address.version == 4 ? AF_INET : AF_INET6, address.bytes.data(), text.data(), text.size());
  return text.data();
}

base::Result<Networks> read_networks(const std::vector<std::string>& texts, std::string_view key) {
  Networks networks;
  for (const std::string& text : texts) {
    const auto network = packet::parse_network(text);
    if (!network) return base::with_context(key, network.error());
    networks.add(*network);
  }
  return networks;
}

bool has(const Networks& networks, const std::string& text) {
  const auto address = read_address(text);
  return address && networks.contains(*address);
}

/// Host or the authority of an origin. `port` is empty where none is said.
struct Authority {
  std::string host{};  ///< lower case; an address as text_of() has it
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
  std::string host = address ? text_of(*address) : lower(name);
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
  Client client{peer ? text_of(*peer) : request.peer.address};
  std::string list = joined(request, "x-forwarded-for").value_or("");
  // From the right: each was written by the one behind it, and is believed as far as those are our proxies.
  while (has(proxies, client.address) && !list.empty()) {
    const size_t start = list.rfind(',') + 1;  // 0 without a comma
    auto next = read_address(trimmed(std::string_view(list).substr(start)));
    if (!next) {  // some write "10.0.0.7:5000" and "[fd00::7]:5000"
      const auto authority = read_authority(trimmed(std::string_view(list).substr(start)));
      if (!authority || !authority->is_address) return {client.address};
      next = read_address(authority->host);
    }
    client = {text_of(*next), true};
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
  const std::vector<std::string> itself{"127.0.0.0/8", "::1"};
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
  auto origin = joined(request, "origin");
  if (!origin) return "";
  const std::string theirs = canonical_origin(*origin);
  if (theirs.empty()) return std::nullopt;
  std::string scheme = request.peer.secure ? "https" : "http";
  if (const auto said = joined(request, "x-forwarded-proto");
      said && has(rules_->proxies, request.peer.address))
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
  const bool known = has(rules_->proxies, request.peer.address) ? who.named : !came_through_proxy(request);
  return known && has(rules_->open_to, who.address);
}

}  // namespace wl::wsbridge::access
