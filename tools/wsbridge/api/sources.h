#pragma once
// The streams and workers of a profile, running.
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "libcommon/base/log.h"
#include "tools/wsbridge/profile/profile.h"
#include "tools/wsbridge/stream/feed.h"
#include "tools/wsbridge/worker/pool.h"

namespace wl::wsbridge::api {

class Sources {
 public:
  Sources(boost::asio::any_io_executor executor, const Profile& profile, base::Log& log);

  /// Starts every stream (one on demand then waits for its first listener).
  void start();
  /// Ends all processes at once, each group with SIGTERM, then SIGKILL.
  boost::asio::awaitable<void> stop();

  /// The profile has been checked: names are there.
  [[nodiscard]] stream::Feed& feed(std::string_view name) { return *feeds_.find(name)->second; }
  [[nodiscard]] worker::Pool& pool(std::string_view name) { return *pools_.find(name)->second; }

  template <class Visit>
  void each_feed(const Visit& visit) const {
    for (const auto& [name, feed] : feeds_) visit(name, *feed);
  }
  template <class Visit>
  void each_pool(const Visit& visit) const {
    for (const auto& [name, pool] : pools_) visit(name, *pool);
  }

 private:
  std::map<std::string, std::shared_ptr<stream::Feed>, std::less<>> feeds_;
  std::map<std::string, std::shared_ptr<worker::Pool>, std::less<>> pools_;
};

}  // namespace wl::wsbridge::api
