#pragma once
// What is ours: `--local ADDR|CIDR…`, or the addresses of the interface.
#include <string_view>
#include <vector>

#include "libcommon/base/error.h"
#include "libcommon/record/packet.h"

namespace wl::packet {

/// An address with a prefix length.
struct Network {
  record::Ip address;
  unsigned prefix = 0;

  [[nodiscard]] bool contains(const record::Ip& ip) const;
};

/// Reads "10.0.0.0/8", "2001:db8::1".
[[nodiscard]] base::Result<Network> parse_network(std::string_view text);

/// A set of networks; few, so it is searched from front to back.
class LocalAddresses {
 public:
  void add(const Network& network) { networks_.push_back(network); }
  void assign(std::vector<Network> networks) { networks_ = std::move(networks); }
  [[nodiscard]] bool contains(const record::Ip& ip) const;
  [[nodiscard]] bool empty() const { return networks_.empty(); }

 private:
  std::vector<Network> networks_;
};

}  // namespace wl::packet
