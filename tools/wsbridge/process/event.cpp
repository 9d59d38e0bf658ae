#include "tools/wsbridge/process/event.h"

#include <list>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace wl::wsbridge::process {

namespace net = boost::asio;

struct Event::Waiters {
  net::any_io_executor executor;
  std::list<net::steady_timer> timers{};
};

Event::Event(net::any_io_executor executor) : waiters_(std::make_shared<Waiters>(std::move(executor))) {}
Event::~Event() { notify(); }

net::awaitable<void> Event::wait(std::chrono::nanoseconds time) {
  const auto waiters = waiters_;  // outlives the event
  const auto timer = waiters->timers.emplace(waiters->timers.end(), waiters->executor, time);
  boost::system::error_code stopped;
  auto token = net::redirect_error(net::use_awaitable, stopped);
  co_await timer->async_wait(token);
  waiters->timers.erase(timer);
}

void Event::notify() {
  for (net::steady_timer& timer : waiters_->timers) timer.cancel();
}

}  // namespace wl::wsbridge::process
