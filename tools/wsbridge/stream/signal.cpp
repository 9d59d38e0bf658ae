#include "tools/wsbridge/stream/signal.h"

#include <utility>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace wl::wsbridge::stream {

boost::asio::awaitable<void> Signal::wait() {
  if (std::exchange(set_, false)) co_return;
  auto keep = [this](auto&& handler) {
    waiting_.emplace_back([kept = std::forward<decltype(handler)>(handler)]() mutable {
      const auto executor = boost::asio::get_associated_executor(kept);
      boost::asio::post(executor, std::move(kept));
    });
  };
  co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void()>(
      keep, boost::asio::use_awaitable);
}

void Signal::set() {
  set_ = waiting_.empty();
  for (auto& resume : std::exchange(waiting_, {})) resume();
}

}  // namespace wl::wsbridge::stream
