#pragma once
// Finished answers, kept for a while. Many who ask for the same at once share one making.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "tools/wsbridge/api/redis.h"
#include "tools/wsbridge/http/message.h"
#include "tools/wsbridge/newest.h"

namespace wl::wsbridge::api {

/// A finished answer.
struct Entry {
  unsigned status = 200;
  http::Headers headers{};  ///< its media type first
  std::shared_ptr<const std::string> body{};
  std::string etag{};   ///< strong, with its quotes
  int64_t born_ns = 0;  ///< by the steady clock
};

/// Born now, its ETag made from the body.
[[nodiscard]] Entry make_entry(unsigned status, std::string media_type, std::string body);

/// The answer with ETag and Age; 304 without a body where the request's If-None-Match has this ETag.
[[nodiscard]] http::Response respond(const Entry& entry, const http::Request& request);

/// I/O thread only; it outlives the coroutines that wait for it.
class Cache {
 public:
  using Maker = std::function<awaitable<Entry>()>;
  struct Counts {
    uint64_t hits = 0;    ///< answered without making: found, or shared with one who was first
    uint64_t misses = 0;  ///< made
  };

  /// With `redis` (else null) answers are shared with other bridges.
  Cache(Executor executor, std::shared_ptr<Redis> redis, size_t max_entries = 10'000,
        size_t max_bytes = size_t{64} << 20)
      : executor_(std::move(executor)),
        redis_(std::move(redis)),
        kept_(max_bytes, max_entries),
        max_bytes_(max_bytes) {}

  /// The answer of `route` to `values` (whatever it depends on: parameters, owner), at most `ttl_ns` old.
  /// What fails (a status from 300 on, an exception) goes to all who wait, and is not kept.
  awaitable<Entry> get(std::string route, std::string values, int64_t ttl_ns, Maker make);

  [[nodiscard]] const std::map<std::string, Counts>& by_route() const { return routes_; }
  [[nodiscard]] size_t entries() const { return kept_.size(); }
  [[nodiscard]] size_t bytes() const { return kept_.bytes(); }

 private:
  struct Making;

  Executor executor_;
  std::shared_ptr<Redis> redis_;
  Newest<Entry> kept_;
  size_t max_bytes_;
  std::map<std::string, std::shared_ptr<Making>> making_{};
  std::map<std::string, Counts> routes_{};
};

}  // namespace wl::wsbridge::api
