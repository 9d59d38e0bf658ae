#include "tools/netwindow/windows.h"

#include <algorithm>

#include "libcommon/base/time.h"

namespace wl::netwindow {
namespace {

// A live record is at most this old when it comes, if lateness does not allow for more: netsniff writes after
// 100 ms at the latest.
constexpr int64_t kLiveDelay = base::kSecond;

}  // namespace

int64_t window_start(int64_t ts, int64_t length) {
  const int64_t rest = ts % length;
  return ts - rest - (rest < 0 ? length : 0);
}

bool Windows::live(int64_t wall, int64_t event) {
  if (event == seen_event_) return live_;
  seen_event_ = event;
  const int64_t delay = std::max(clock_.lateness, kLiveDelay) + clock_.grace;
  live_ = event > wall - delay && event < wall + delay;
  return live_;
}

void Windows::idle(int64_t wall, int64_t event) {
  const int64_t now = wall - clock_.grace;
  if (live(wall, event) && now > newest_) advance(now);
}

void Windows::finish() {
  for (auto& [start, window] : open_) close_(window);
  open_.clear();
  current_ = nullptr;
  ripe_at_ = INT64_MAX;
}

void Windows::advance(int64_t ts) {
  newest_ = ts;
  if (newest_ >= ripe_at_) close_ripe();
}

void Windows::close_ripe() {
  while (!open_.empty()) {
    const auto oldest = open_.begin();
    ripe_at_ = oldest->first + clock_.length + clock_.lateness;
    if (newest_ < ripe_at_) return;
    close_(oldest->second);
    if (current_ == &oldest->second) current_ = nullptr;
    open_.erase(oldest);
  }
  ripe_at_ = INT64_MAX;
}

Window* Windows::find(int64_t ts) {
  const int64_t start = window_start(ts, clock_.length);
  const int64_t ripe_at = start + clock_.length + clock_.lateness;
  if (newest_ >= ripe_at) return nullptr;
  ripe_at_ = std::min(ripe_at_, ripe_at);
  current_ = &open_.try_emplace(start, start, limits_).first->second;
  return current_;
}

}  // namespace wl::netwindow
