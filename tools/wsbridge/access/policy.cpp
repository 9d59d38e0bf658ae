#include <algorithm>

#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/trim.hpp>
#include <boost/asio/ip/address.hpp>

#include "tools/wsbridge/access/access.h"

namespace wl::wsbridge::access {
namespace {

using Networks = packet::LocalAddresses;

/// The one text of an address; ::ffff:10.0.0.1 is 10.0.0.1 (RFC 4291, 2.5.5.2). Empty: it is none.
std::string address_of(std::string_view text) {
  namespace ip = boost::asio::ip;
  error_code bad;
  // Without the zone of a link-local address.
  const ip::address address = ip::make_address(std::string(text.substr(0, text.find('%'))), bad);
  if (bad) return {};
  if (!address.is_v6() || !address.to_v6().is_v4_mapped()) return address.to_string();
  return ip::make_address_v4(ip::v4_mapped, address.to_v6()).to_string();
}

/// Who comes by a unix socket is of this machine.
std::string peer_of(const http::Request& request) {
  return request.peer.address == "unix" ? "127.0.0.1" : address_of(request.peer.address);
}

bool has(const Networks& networks, const std::string& address) {
  const auto found = packet::parse_network(address);
  return found && networks.contains(found->address);
}

/// Host, or the authority of an origin.
struct Authority {
  std::string host{};  ///< lower case; an address as address_of() has it; empty: it makes no sense
  std::string port{};  ///< empty: none is said
  bool is_address = false;
};

Authority read_authority(std::string_view text) {
  size_t colon = text.rfind(':');  // of a port, unless it is an IPv6 address' own
  if (text.find(':') < colon && text[colon - 1] != ']') colon = std::string_view::npos;
  std::string_view name = text.substr(0, colon);
  const std::string port(colon == std::string_view::npos ? "" : text.substr(colon + 1));
  if (port.size() > 5 || port.find_first_not_of("0123456789") != std::string::npos) return {};
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  if (std::string address = address_of(name); !address.empty()) return {std::move(address), port, true};
  std::string host = boost::algorithm::to_lower_copy(std::string(name));
  if (host.size() > 1 && host.ends_with('.')) host.pop_back();
  if (host.find_first_of("/@?#*\\ []:") != std::string::npos) return {};
  return {std::move(host), port, false};
}

/// "http://dash.example:80" and "HTTP://dash.example" are one origin. Empty: it is none.
std::string canonical_origin(const std::string& text) {
  const size_t mark = text.find("://");
  if (mark == std::string::npos || mark == 0) return {};
  const std::string scheme = boost::algorithm::to_lower_copy(text.substr(0, mark));
  const auto [host, port, _] = read_authority(std::string_view(text).substr(mark + 3));
  if (host.empty()) return {};
  return scheme + "://" + host + ":" + (!port.empty() ? port : scheme == "https" ? "443" : "80");
}

/// Who asks. `named`: our proxies said so, in words that make sense.
struct Client {
  std::string address{};
  bool named = false;
};

Client find_client(const http::Request& request, const Networks& proxies) {
  Client client{peer_of(request)};
  std::string list = request.joined("X-Forwarded-For").value_or("");
  // From the right: each was written by the one behind it, and is believed as far as those are our proxies.
  while (has(proxies, client.address) && !list.empty()) {
    const size_t start = list.rfind(',') + 1;                                           // 0 without a comma
    const auto next = read_authority(boost::algorithm::trim_copy(list.substr(start)));  // some add a port
    if (!next.is_address) return {client.address};
    client = {next.host, true};
    list.resize(start == 0 ? 0 : start - 1);
  }
  return client;
}

}  // namespace

bool is_origin(const std::string& text) {
  const std::string origin = canonical_origin(text);
  return origin.starts_with("http://") || origin.starts_with("https://");
}

bool is_host(const std::string& text) { return !read_authority(text).host.empty(); }

Policy::Policy(const Profile& profile) {
  const std::vector<std::string> itself{"127.0.0.0/8", "::1"};
  for (const std::string& text : profile.open_to.empty() ? itself : profile.open_to)
    open_to_.add(packet::parse_network(text).value());
  for (const std::string& text : profile.trusted_proxies) proxies_.add(packet::parse_network(text).value());
  for (const std::string& origin : profile.origins) origins_.push_back(canonical_origin(origin));
  for (const std::string& host : profile.hosts) hosts_.push_back(read_authority(host).host);
}

bool Policy::host_allowed(const http::Request& request) const {
  const auto host = read_authority(request.joined("Host").value_or(""));  // two of them join to no name
  return host.is_address || host.host == "localhost" || std::ranges::find(hosts_, host.host) != hosts_.end();
}

std::optional<std::string> Policy::origin_allowed(const http::Request& request) const {
  auto origin = request.joined("Origin");
  if (!origin) return "";
  const std::string theirs = canonical_origin(*origin);
  std::string scheme = request.peer.secure ? "https" : "http";
  if (has(proxies_, peer_of(request))) scheme = request.joined("X-Forwarded-Proto").value_or(scheme);
  const bool own = theirs == canonical_origin(scheme + "://" + request.joined("Host").value_or(""));
  const bool allowed = own || std::ranges::find(origins_, theirs) != origins_.end();
  return allowed && !theirs.empty() ? origin : std::nullopt;
}

std::string Policy::client_address(const http::Request& request) const {
  return find_client(request, proxies_).address;
}

bool Policy::open_to(const http::Request& request) const {
  // A proxy of ours must say for whom it asks: one that forgot to would open everything to everybody.
  const Client who = find_client(request, proxies_);
  constexpr std::array kSigns{"X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"};
  const auto shows = [&](const char* name) { return request.joined(name).has_value(); };
  const bool known = has(proxies_, peer_of(request)) ? who.named : std::ranges::none_of(kSigns, shows);
  return known && has(open_to_, who.address);
}

}  // namespace wl::wsbridge::access
