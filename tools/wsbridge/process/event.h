#pragma once
// What coroutines of one thread wait on for each other.
#include <chrono>
#include <exception>
#include <list>
#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace wl::wsbridge::process {

using Clock = std::chrono::steady_clock;

/// Those who wait ask for what they wait for again when they come back. Destroyed: all come back. I/O thread
/// only.
class Event {
 public:
  explicit Event(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}
  ~Event() { notify(); }
  /// Until notify(), or for `time` at most.
  boost::asio::awaitable<void> wait(std::chrono::nanoseconds time = std::chrono::hours(24)) {
    const auto timers = timers_;  // outlives the event
    const auto timer = timers->emplace(timers->end(), executor_, time);
    boost::system::error_code stopped;
    auto token = boost::asio::redirect_error(boost::asio::use_awaitable, stopped);
    co_await timer->async_wait(token);
    timers->erase(timer);
  }
  /// Until `done()`, which is asked at the start and at each notify(). False: that took longer than `time`.
  /// The event must live that long.
  template <class Done>
  boost::asio::awaitable<bool> until(Done done, std::chrono::nanoseconds time = std::chrono::years(1)) {
    const auto end = Clock::now() + time;
    while (!done() && Clock::now() < end) co_await wait(end - Clock::now());
    co_return done();
  }
  void notify() {
    for (auto& timer : *timers_) timer.cancel();
  }

 private:
  boost::asio::any_io_executor executor_;
  std::shared_ptr<std::list<boost::asio::steady_timer>> timers_ =
      std::make_shared<std::list<boost::asio::steady_timer>>();
};

/// For co_spawn: what went wrong in a coroutine of its own ends the loop.
inline void rethrow(std::exception_ptr error) {
  if (error) std::rethrow_exception(error);
}

/// Runs `work`, a coroutine of *self, which lives until it ends.
inline void spawn(const boost::asio::any_io_executor& executor, std::shared_ptr<const void> self,
                  boost::asio::awaitable<void> work) {
  boost::asio::co_spawn(executor, std::move(work),
                        [self = std::move(self)](std::exception_ptr error) { rethrow(error); });
}

}  // namespace wl::wsbridge::process
