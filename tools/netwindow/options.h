#pragma once
// The flags of netwindow.
#include <cstdint>
#include <string>
#include <vector>

#include "libcommon/base/time.h"

namespace CLI {
class App;
}

namespace wl::netwindow {

struct Options {
  int64_t window = 5 * base::kSecond;
  std::string by{};    ///< empty: client or pair, as the packets have it
  uint64_t top = 0;    ///< 0: all keys
  std::string sort{};  ///< empty: bytes, or the first sum, or count
  int64_t lateness = base::kSecond;
  bool whole = false;  ///< one `windows` record a window
  uint64_t max_keys = 250'000;
  uint64_t max_flows = 131'072;
  bool merge = false;
  bool table = false;
  std::string time{};               ///< field of the event time; empty: ts
  std::vector<std::string> sums{};  ///< fields to add up in place of packets and bytes
  bool meta = false;
  bool strict = false;

  /// Any records, not packets: count and sums, no directions, protocols or flows.
  [[nodiscard]] bool generic() const { return !time.empty() || !sums.empty(); }
};

void declare_options(CLI::App& app, Options& options);

}  // namespace wl::netwindow
