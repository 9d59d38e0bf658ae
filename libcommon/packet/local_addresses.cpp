#include "libcommon/packet/local_addresses.h"

#include <algorithm>
#include <cstring>
#include <string>

#include <arpa/inet.h>

#include "libcommon/base/units.h"

namespace wl::packet {

bool Network::contains(const record::Ip& ip) const {
  if (ip.version != address.version) return false;
  const size_t whole = prefix / 8;
  if (std::memcmp(ip.bytes.data(), address.bytes.data(), whole) != 0) return false;
  const unsigned rest = prefix % 8;
  if (rest == 0) return true;
  const unsigned mask = 0xffU << (8 - rest) & 0xffU;
  return ((ip.bytes[whole] ^ address.bytes[whole]) & mask) == 0;
}

base::Result<Network> parse_network(std::string_view text) {
  const auto bad = [&] {
    return base::fail("\"" + std::string(text) + "\" is not an address or network",
                      "write it as 10.0.0.7, 10.0.0.0/8 or 2001:db8::/32", base::Exit::usage);
  };
  const size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  Network network;
  if (::inet_pton(AF_INET, address.c_str(), network.address.bytes.data()) == 1) {
    network.address.version = 4;
  } else if (::inet_pton(AF_INET6, address.c_str(), network.address.bytes.data()) == 1) {
    network.address.version = 6;
  } else {
    return bad();
  }
  const unsigned longest = network.address.version == 4 ? 32 : 128;
  network.prefix = longest;
  if (slash != std::string_view::npos) {
    const auto prefix = base::parse_number(text.substr(slash + 1), longest);
    if (!prefix) return bad();
    network.prefix = static_cast<unsigned>(*prefix);
  }
  return network;
}

bool LocalAddresses::contains(const record::Ip& ip) const {
  return std::ranges::any_of(networks_, [&](const Network& network) { return network.contains(ip); });
}

}  // namespace wl::packet
