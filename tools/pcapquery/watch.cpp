#include "tools/pcapquery/watch.h"

#include <condition_variable>

#include "libcommon/base/signals.h"
#include "libcommon/base/time.h"
#include "libcommon/base/units.h"

namespace wl::pcapquery {

void Watch::begin(store::Duck& duck) {
  duck_ = &duck;
  const base::SignalsBlocked blocked;
  thread_ = std::jthread([this](const std::stop_token& stop) { look(stop); });
}

void Watch::limit(int64_t ns) {
  limit_ns_ = ns;
  deadline_ns_ = base::steady_clock_ns() + ns;
}

base::Error Watch::explain(base::Error error) const {
  if (late_)
    return {"the question took longer than " + base::format_duration(limit_ns_),
            "--timeout allows more, a smaller question needs less"};
  if (unwanted_) return {"interrupted"};
  return error;
}

void Watch::look(const std::stop_token& stop) {
  constexpr std::chrono::milliseconds kPause(20);
  std::mutex mutex;
  std::condition_variable_any ended;
  std::unique_lock lock(mutex);
  while (!ended.wait_for(lock, stop, kPause, [] { return false; }) && !stop.stop_requested()) {
    if (is_unwanted_()) unwanted_ = true;
    if (deadline_ns_ != 0 && base::steady_clock_ns() > deadline_ns_) late_ = true;
    // Again and again: what comes before a statement begins is lost.
    if (unwanted_ || late_) duck_->interrupt();
  }
}

}  // namespace wl::pcapquery
