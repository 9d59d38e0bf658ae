#pragma once
// Lets coroutines of one I/O thread wait for each other.
#include <functional>
#include <vector>

#include <boost/asio/awaitable.hpp>

namespace wl::wsbridge::stream {

/// set() wakes all who wait; where nobody does, the next who waits goes on at once. Waits end without cause
/// too: ask for the condition in a loop.
class Signal {
 public:
  boost::asio::awaitable<void> wait();
  void set();

 private:
  std::vector<std::move_only_function<void()>> waiting_{};
  bool set_ = false;
};

}  // namespace wl::wsbridge::stream
