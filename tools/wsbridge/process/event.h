#pragma once
// What coroutines of one thread wait on for each other, and what they all need of Asio.
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

namespace wl::wsbridge {

namespace asio = boost::asio;
using asio::awaitable, asio::redirect_error, asio::use_awaitable;
using boost::system::error_code;
using Executor = asio::any_io_executor;

namespace process {

using Clock = std::chrono::steady_clock;

/// Those who wait ask for what they wait for again when they come back. Destroyed: all come back. I/O thread
/// only.
class Event {
 public:
  explicit Event(Executor executor) : executor_(std::move(executor)) {}
  ~Event() { notify(); }
  /// Until notify(), or for `time` at most.
  awaitable<void> wait(std::chrono::nanoseconds time = std::chrono::hours(24)) {
    const auto timers = timers_;  // outlives the event
    const auto timer = timers->emplace(timers->end(), executor_, time);
    const Erase erase{*timers, timer};  // also where the loop goes before it is over
    error_code stopped;
    auto token = redirect_error(use_awaitable, stopped);
    co_await timer->async_wait(token);
  }
  /// Until `done()`, which is asked at the start and at each notify(), or for `time` at most. The event must
  /// live that long.
  template <class Done>
  awaitable<void> until(Done done, std::chrono::nanoseconds time = std::chrono::years(1)) {
    const auto end = Clock::now() + time;
    while (!done() && Clock::now() < end) co_await wait(end - Clock::now());
  }
  void notify() {
    for (auto& timer : *timers_) timer.cancel();
  }

 private:
  using Timers = std::list<asio::steady_timer>;
  struct Erase {
    ~Erase() { from.erase(timer); }
    Timers& from;
    Timers::iterator timer;
  };
  Executor executor_;
  std::shared_ptr<Timers> timers_ = std::make_shared<Timers>();
};

/// For co_spawn: what went wrong in a coroutine of its own ends the loop.
inline void rethrow(std::exception_ptr error) {
  if (error) std::rethrow_exception(error);
}

/// Runs `work`, a coroutine of *self, which lives until it ends.
inline void spawn(const Executor& executor, std::shared_ptr<const void> self, awaitable<void> work) {
  asio::co_spawn(executor, std::move(work),
                 [self = std::move(self)](std::exception_ptr error) { rethrow(error); });
}

}  // namespace process
}  // namespace wl::wsbridge
