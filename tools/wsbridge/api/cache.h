#pragma once
// Finished answers, kept for a while. Many who ask for the same at once share one making.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "tools/wsbridge/api/redis.h"
#include "tools/wsbridge/http/message.h"

namespace wl::wsbridge::api {

/// A finished answer.
struct Entry {
  unsigned status = 200;
  std::string media_type = "application/json";
  std::shared_ptr<const std::string> body{};
  std::string etag{};   ///< strong, with its quotes
  int64_t born_ns = 0;  ///< by the steady clock
};

/// Born now, its ETag made from the body.
[[nodiscard]] Entry make_entry(unsigned status, std::string media_type, std::string body);

/// The answer with ETag and Age; 304 without a body where the request's If-None-Match has this ETag.
[[nodiscard]] http::Response respond(const Entry& entry, const http::Request& request);

struct CacheCounts {
  uint64_t hits = 0;    ///< answered without making: found, or shared with one who was first
  uint64_t misses = 0;  ///< made
  size_t entries = 0;
  size_t bytes = 0;
};

/// I/O thread only.
class Cache {
 public:
  struct Limits {
    size_t entries = 10'000;
    size_t bytes = size_t{64} << 20;
  };
  using Maker = std::function<boost::asio::awaitable<Entry>()>;

  /// With `redis` (else null) answers are shared with other bridges.
  Cache(boost::asio::any_io_executor executor, std::shared_ptr<Redis> redis)
      : Cache(executor, std::move(redis), Limits{}) {}
  Cache(boost::asio::any_io_executor executor, std::shared_ptr<Redis> redis, Limits limits);
  ~Cache();

  /// The answer of `route` to `values` (whatever it depends on: parameters, owner), at most `ttl_ns` old.
  /// `make` runs to its end even when nobody waits any more. What fails (a status from 300 on, an exception)
  /// goes to all who wait, and is not kept.
  boost::asio::awaitable<Entry> get(std::string route, std::string values, int64_t ttl_ns, Maker make);

  [[nodiscard]] const CacheCounts& counts() const;
  [[nodiscard]] const std::map<std::string, CacheCounts>& by_route() const;
  /// {"hits":…,"misses":…,"hit_rate":…,"entries":…,"bytes":…,"by_route":{…}}
  [[nodiscard]] std::string statistics() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace wl::wsbridge::api
