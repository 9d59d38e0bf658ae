#pragma once
// The open windows and the clock that closes them.
//
// Event time is the time in the records. A window closes when the newest record is `lateness` past its end;
// what comes for it after that is late. In silence a *live* stream goes on by the wall clock: a stream is
// live when its newest record was about now when it came. So a replay of an old capture gives the same
// windows at any speed, and a live stream shows its last window without waiting for the next packet.
#include <cstdint>
#include <functional>
#include <map>

#include "tools/netwindow/window.h"

namespace wl::netwindow {

struct WindowClock {
  int64_t length = 0;
  int64_t lateness = 0;
  int64_t grace = 0;  ///< how much longer a window stays open in silence: the delay of who writes to us
};

/// Beginning of the window of that length that `ts` lies in.
[[nodiscard]] int64_t window_start(int64_t ts, int64_t length);

class Windows {
 public:
  using Close = std::function<void(Window&)>;

  /// `close` is given each window, in order of time, before it goes.
  Windows(const WindowClock& clock, const Limits& limits, Close close)
      : clock_(clock), limits_(limits), close_(std::move(close)) {}

  /// The window of a record of time `ts`; null: it is late. Closes windows that this record makes ripe.
  [[nodiscard]] Window* at(int64_t ts) {
    if (ts > newest_) advance(ts);
    // Unsigned: what is before the window wraps to something large.
    if (current_ != nullptr && static_cast<uint64_t>(ts) - static_cast<uint64_t>(current_->start()) <
                                   static_cast<uint64_t>(clock_.length)) {
      return current_;
    }
    return find(ts);
  }
  /// The input has nothing to read; `wall` is the time of day. `event`: the newest time that records told of.
  void idle(int64_t wall, int64_t event);
  /// Closes all windows.
  void finish();

  [[nodiscard]] bool empty() const { return open_.empty(); }
  /// Whether the stream is live: asked at each idle, told when it was asked first after a new `event`.
  [[nodiscard]] bool live(int64_t wall, int64_t event);

 private:
  void advance(int64_t ts);
  void close_ripe();
  [[nodiscard]] Window* find(int64_t ts);

  WindowClock clock_;
  Limits limits_;
  Close close_;
  std::map<int64_t, Window> open_;
  Window* current_ = nullptr;
  int64_t newest_ = INT64_MIN;      // event time: of the newest record, or of the wall clock in silence
  int64_t ripe_at_ = INT64_MAX;     // when the oldest window closes
  int64_t seen_event_ = INT64_MIN;  // idle: the newest event when it was judged
  bool live_ = false;
};

}  // namespace wl::netwindow
