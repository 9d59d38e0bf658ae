#pragma once
// What coroutines of one thread wait on for each other.
#include <chrono>
#include <exception>
#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace wl::wsbridge::process {

/// Those who wait ask for what they wait for again when they come back. Destroyed: all come back. I/O thread
/// only.
class Event {
 public:
  explicit Event(boost::asio::any_io_executor executor);
  ~Event();
  /// Until notify(), or for `time` at most.
  boost::asio::awaitable<void> wait(std::chrono::nanoseconds time = std::chrono::hours(24));
  void notify();

 private:
  struct Waiters;
  std::shared_ptr<Waiters> waiters_;
};

/// For co_spawn: what went wrong in a coroutine of its own ends the loop.
inline void rethrow(std::exception_ptr error) {
  if (error) std::rethrow_exception(error);
}

}  // namespace wl::wsbridge::process
