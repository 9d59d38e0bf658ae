#include "tests/bench/capture/world.h"

#include <algorithm>
#include <string_view>

namespace wl::bench {
namespace {

constexpr std::array<uint8_t, 6> kGatewayMac{0x00, 0x00, 0x5E, 0x00, 0x53, 0x01};
constexpr std::array<std::string_view, 20> kLabels{
    "www",  "mail",  "api",  "cdn",  "img",   "static", "login", "news",   "docs", "files",
    "chat", "video", "maps", "shop", "store", "git",    "ci",    "update", "time", "feed"};
constexpr std::array<std::string_view, 4> kRegions{"", ".eu", ".us", ".ap"};
constexpr std::array<std::string_view, 3> kDomains{".example.com", ".example.net", ".example.org"};
constexpr uint32_t kDocumentationHosts = 3 * 254;
constexpr size_t kHostsPerSubnet = 100;

size_t clients_for(uint64_t packets) { return std::clamp<size_t>(packets / 500, 14, 2000); }
size_t servers_for(uint64_t packets) { return std::clamp<size_t>(packets / 100, 40, 12000); }
size_t sites_for(uint64_t packets) { return std::clamp<size_t>(packets / 50, 60, 20000); }

uint8_t low_byte(size_t value) { return static_cast<uint8_t>(value & 0xFFU); }

std::array<uint8_t, 16> documentation_ipv6(uint16_t subnet, size_t host) {
  return {0x20, 0x01, 0x0D, 0xB8, low_byte(subnet >> 8U), low_byte(subnet), 0, 0, 0, 0,
          0,    0,    0,    0,    low_byte(host >> 8U),   low_byte(host)};
}

/// 10.20.0.0/16, from .10 on in each /24: a small office is 10.20.0.0/24.
Host client(Random& random, size_t index) {
  Host host;
  host.mac = {0x02, 0x00, 0x5E, low_byte(index >> 16U), low_byte(index >> 8U), low_byte(index)};
  host.ipv4 = {10, 20, low_byte(index / kHostsPerSubnet), low_byte(10 + index % kHostsPerSubnet)};
  host.ipv6 = documentation_ipv6(0x20, index + 0x100);
  host.vlan = random.chance(0.1) ? 30 : 0;
  host.ttl = random.chance(0.6) ? 64 : 128;
  host.dual_stack = random.chance(0.45);
  return host;
}

/// The three documentation networks first; then all over 240.0.0.0/4, which is nobody's: hash tables of the
/// programs that are measured meet addresses that differ in every byte, as on the Internet.
std::array<uint8_t, 4> server_ipv4(Random& random, size_t index) {
  constexpr std::array<std::array<uint8_t, 3>, 3> kNetworks{{{192, 0, 2}, {198, 51, 100}, {203, 0, 113}}};
  if (index < kDocumentationHosts) {
    const auto& network = kNetworks[index % 3];
    return {network[0], network[1], network[2], low_byte(1 + index / 3)};
  }
  return {low_byte(random.between(240, 254)), random.byte(), random.byte(), low_byte(random.between(1, 254))};
}

Host server(Random& random, size_t index) {
  Host host;
  host.mac = kGatewayMac;
  host.ipv4 = server_ipv4(random, index);
  host.ipv6 = documentation_ipv6(static_cast<uint16_t>(0x1000U + index % 64), index + 1);
  host.ttl = static_cast<uint8_t>(random.between(44, 58));
  host.dual_stack = random.chance(0.6);
  return host;
}

std::string site_name(size_t index) {
  std::string name(kLabels[index % kLabels.size()]);
  const size_t number = index / kLabels.size();
  if (number > 0) name += "-" + std::to_string(number);
  return name.append(kRegions[index % kRegions.size()]).append(kDomains[index % kDomains.size()]);
}

Host beside_the_clients(uint8_t last, uint8_t mac_last) {
  Host host;
  host.mac = {0x00, 0x00, 0x5E, 0x00, 0x53, mac_last};
  host.ipv4 = {10, 20, 0, last};
  host.ipv6 = documentation_ipv6(0x20, last);
  host.dual_stack = true;
  return host;
}

}  // namespace

World::World(Random& random, uint64_t packets)
    : resolver(beside_the_clients(2, 0x02)),
      gateway(beside_the_clients(1, 0x01)),
      client_popularity(clients_for(packets), 0.7),
      site_popularity(sites_for(packets), 0.9) {
  for (size_t i = 0; i < clients_for(packets); ++i) clients.push_back(client(random, i));
  for (size_t i = 0; i < servers_for(packets); ++i) servers.push_back(server(random, i));
  for (size_t i = 0; i < sites_for(packets); ++i)
    sites.push_back({site_name(i), random.below(static_cast<uint32_t>(servers.size()))});
}

}  // namespace wl::bench
