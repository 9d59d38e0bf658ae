#include "tools/wsbridge/api/sources.h"

namespace wl::wsbridge::api {

Sources::Sources(boost::asio::any_io_executor executor, const Profile& profile, base::Log& log) {
  for (const StreamSpec& spec : profile.streams) {
    feeds_.emplace(spec.name, std::make_unique<stream::Feed>(executor, spec, log));
  }
  for (const WorkerSpec& spec : profile.workers) {
    pools_.emplace(spec.name, std::make_unique<worker::Pool>(executor, spec, log));
  }
}

void Sources::start() {
  for (const auto& [name, feed] : feeds_) {
    if (!feed->spec().on_demand) feed->start();
  }
}

boost::asio::awaitable<void> Sources::stop() {
  for (const auto& [name, feed] : feeds_) co_await feed->stop();
  for (const auto& [name, pool] : pools_) co_await pool->stop();
}

}  // namespace wl::wsbridge::api
