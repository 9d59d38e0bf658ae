#pragma once
// Who is there: the hosts of an office and the servers that they talk to. Only addresses and names that are
// set aside for documentation, benchmarks and private use (RFC 1918, 2544, 2606, 3849, 5737).
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/capture/random.h"

namespace wl::bench {

struct Host {
  std::array<uint8_t, 6> mac{};
  std::array<uint8_t, 4> ipv4{};
  std::array<uint8_t, 16> ipv6{};
  uint16_t vlan = 0;  ///< 0: untagged
  uint8_t ttl = 64;   ///< as it arrives at the place of capture
  bool dual_stack = false;
};

struct Site {
  std::string name;
  uint32_t server;  ///< index into World::servers
};

struct World {
  /// As many hosts and names as a capture of `packets` packets would show.
  World(Random& random, uint64_t packets);

  std::vector<Host> clients;
  std::vector<Host> servers;
  std::vector<Site> sites;
  Host resolver;
  Host gateway;
  Zipf client_popularity;
  Zipf site_popularity;
};

}  // namespace wl::bench
