#include "tools/netsniff/own_addresses.h"

#include "libcommon/base/time.h"
#include "libcommon/capture/live.h"

namespace wl::netsniff {

OwnAddresses::OwnAddresses(std::string interface, packet::LocalAddresses& local)
    : interface_(std::move(interface)), local_(local) {
  read();
}

void OwnAddresses::refresh(int64_t steady_now_ns) {
  if (steady_now_ns < next_ns_) return;
  next_ns_ = steady_now_ns + base::kSecond;
  read();
}

void OwnAddresses::read() {
  const auto interfaces = capture::list_interfaces();
  if (!interfaces) return;  // the addresses known so far stay
  std::vector<packet::Network> networks;
  for (const capture::InterfaceInfo& interface : *interfaces) {
    if (interface_ != "any" && interface.name != interface_) continue;
    for (const std::string& address : interface.addresses) {
      if (const auto network = packet::parse_network(address)) networks.push_back(*network);
    }
  }
  local_.assign(std::move(networks));
}

}  // namespace wl::netsniff
