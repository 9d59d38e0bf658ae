#include "tools/netwindow/input.h"

#include "tools/netwindow/values.h"

namespace wl::netwindow {

void Upstream::counts(const ndjson::Value& lost, Aside& aside) {
  const auto number = read_whole(lost, uint64_t{1} << 53);
  if (!number || *number < told_) return;
  aside.lost = aside.lost.value_or(0) + (*number - told_);
  told_ = *number;
}

}  // namespace wl::netwindow
