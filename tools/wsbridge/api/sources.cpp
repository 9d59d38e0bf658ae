#include "tools/wsbridge/api/sources.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>

#include "tools/wsbridge/process/event.h"

namespace wl::wsbridge::api {
namespace {

using boost::asio::awaitable;

/// What is still to end.
struct Rest {
  Rest(size_t count_, boost::asio::any_io_executor executor) : count(count_), event(std::move(executor)) {}
  size_t count;
  process::Event event;
};

awaitable<void> count(awaitable<void> end, std::shared_ptr<Rest> rest) {
  co_await std::move(end);
  --rest->count;
  rest->event.notify();
}

}  // namespace

Sources::Sources(boost::asio::any_io_executor executor, const Profile& profile, base::Log& log) {
  for (const StreamSpec& spec : profile.streams) {
    feeds_.emplace(spec.name, std::make_shared<stream::Feed>(executor, spec, log));
  }
  for (const WorkerSpec& spec : profile.workers) {
    pools_.emplace(spec.name, std::make_shared<worker::Pool>(executor, spec, log));
  }
}

void Sources::start() {
  for (const auto& [name, feed] : feeds_) feed->start();
}

awaitable<void> Sources::stop() {
  const auto executor = co_await boost::asio::this_coro::executor;
  const auto rest = std::make_shared<Rest>(feeds_.size() + pools_.size(), executor);
  for (const auto& [name, feed] : feeds_)
    boost::asio::co_spawn(executor, count(feed->stop(), rest), process::rethrow);
  for (const auto& [name, pool] : pools_)
    boost::asio::co_spawn(executor, count(pool->stop(), rest), process::rethrow);
  while (rest->count != 0) co_await rest->event.wait();
}

}  // namespace wl::wsbridge::api
