#pragma once
// What is local where --local does not say: the addresses of the interface, followed as they change.
#include <cstdint>
#include <string>

#include "libcommon/packet/local_addresses.h"

namespace wl::netsniff {

class OwnAddresses {
 public:
  /// `interface` "any": those of all interfaces. Fills `local`, which must outlive this.
  OwnAddresses(std::string interface, packet::LocalAddresses& local);

  /// Asks the system again, at most once a second.
  void refresh(int64_t steady_now_ns);

 private:
  void read();

  std::string interface_;
  packet::LocalAddresses& local_;
  int64_t next_ns_ = 0;
};

}  // namespace wl::netsniff
