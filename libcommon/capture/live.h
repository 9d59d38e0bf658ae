#pragma once
// Live capture through libpcap.
#include <memory>
#include <string>
#include <vector>

#include "libcommon/capture/source.h"

namespace wl::capture {

struct LiveOptions {
  std::string interface;                       ///< "any": all of them
  uint32_t snaplen = 262144;                   ///< bytes kept of each packet
  bool promiscuous = true;                     ///< also what is not addressed to this machine
  uint64_t buffer_bytes = uint64_t{16} << 20;  ///< of the kernel, for when we are late
  std::string filter{};                        ///< BPF expression, run by the kernel; empty: everything
};

/// Opens an interface; times are in microseconds. A failure says what to do (privileges, names). Its next()
/// takes packets from the kernel's ring in blocks, says `idle` when the ring is empty, and after stop() gives
/// what the ring still holds, then `end`. An interface that goes down is silent until it comes up again; one
/// that disappears is a failure. On "any", Drops::received counts loopback packets twice.
[[nodiscard]] base::Result<std::unique_ptr<Source>> open_live(const LiveOptions& options);

/// An interface that could be captured on.
struct InterfaceInfo {
  std::string name;
  std::string description{};
  std::vector<std::string> addresses{};  ///< IPv4 and IPv6, as text
  bool up = false;
  bool running = false;
  bool loopback = false;
};

[[nodiscard]] base::Result<std::vector<InterfaceInfo>> list_interfaces();

}  // namespace wl::capture
