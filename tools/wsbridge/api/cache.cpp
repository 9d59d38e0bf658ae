#include "tools/wsbridge/api/cache.h"

#include <algorithm>
#include <exception>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <nlohmann/json.hpp>

#include "libcommon/base/time.h"
#include "tools/wsbridge/access/access.h"
#include "tools/wsbridge/http/files.h"
#include "tools/wsbridge/process/event.h"

namespace wl::wsbridge::api {
namespace {

using boost::asio::awaitable;
using nlohmann::json;

int64_t wall_clock_ms() { return base::wall_clock_ns() / base::kMillisecond; }

/// How an entry stands in Redis: "[STATUS,BORN,MEDIA-TYPE]\nBODY", BORN in milliseconds since 1970.
std::string packed(const Entry& entry) {
  const int64_t age = (base::steady_clock_ns() - entry.born_ns) / base::kMillisecond;
  return json{entry.status, wall_clock_ms() - age, entry.media_type}.dump() + '\n' + *entry.body;
}

std::optional<Entry> unpacked(const std::string& text) {
  const size_t line = std::min(text.find('\n'), text.size());
  const json head = json::parse(text.substr(0, line), nullptr, false);
  if (line == text.size() || !head.is_array() || head.size() != 3 || !head[0].is_number_unsigned() ||
      !head[1].is_number_unsigned() || !head[2].is_string())
    return std::nullopt;
  Entry entry = make_entry(head[0], head[2], text.substr(line + 1));
  entry.born_ns -= std::max(wall_clock_ms() - head[1].get<int64_t>(), int64_t{0}) * base::kMillisecond;
  return entry;
}

/// What another bridge has made, younger than `ttl_ns`.
awaitable<std::optional<Entry>> fetch(Redis& redis, std::string key, int64_t ttl_ns) {
  std::vector<std::string> words{"GET", std::move(key)};
  const auto reply = co_await redis.command(std::move(words));
  std::optional<Entry> entry;
  if (reply && !reply->nil) entry = unpacked(reply->text);
  if (entry && entry->born_ns + ttl_ns <= base::steady_clock_ns()) entry.reset();
  co_return entry;
}

}  // namespace

Entry make_entry(unsigned status, std::string media_type, std::string body) {
  std::string etag = '"' + access::digest(body).substr(0, 32) + '"';
  return {status, std::move(media_type), std::make_shared<const std::string>(std::move(body)),
          std::move(etag), base::steady_clock_ns()};
}

http::Response respond(const Entry& entry, const http::Request& request) {
  http::Response response;
  response.status = entry.status;
  if (entry.status == 200) {
    const int64_t age = (base::steady_clock_ns() - entry.born_ns) / base::kSecond;
    response.headers = {
        {"ETag", entry.etag}, {"Age", std::to_string(age)}, {"Cache-Control", "private, no-cache"}};
    const std::string* const known = request.header("If-None-Match");
    if (known != nullptr && request.method == "GET" && http::etag_matches(*known, entry.etag)) {
      response.status = 304;
      return response;
    }
  }
  response.headers.emplace_back("Content-Type", entry.media_type);
  response.body = entry.body;
  return response;
}

struct Cache::Place {
  explicit Place(const boost::asio::any_io_executor& executor) : ready(executor) {}
  process::Event ready;
  bool made = false;
  Entry entry{};
  std::exception_ptr error{};
  int64_t until_ns = 0;
  size_t bytes = 512;  // beside key and body, roughly
  std::list<Places::iterator>::iterator in_order{};
};

void Cache::keep(Places::iterator place) {
  Place& it = *place->second;
  if (!it.error) it.bytes += place->first.size() + it.entry.body->size();
  it.in_order = order_.insert(order_.end(), place);
  bytes_ += it.bytes;
  if (it.error || it.entry.status >= 300 || it.bytes > max_bytes_ / 4) return drop(place);
  while (order_.size() > max_entries_ || bytes_ > max_bytes_) drop(order_.front());
}

void Cache::drop(Places::iterator place) {
  bytes_ -= place->second->bytes;
  order_.erase(place->second->in_order);
  places_.erase(place);
}

awaitable<Entry> Cache::get(std::string route, std::string values, int64_t ttl_ns, Maker make) {
  const std::string key = route + '\n' + values;
  Counts& counts = routes_[route];
  const auto old = places_.find(key);
  if (old != places_.end() && old->second->made && old->second->until_ns <= base::steady_clock_ns())
    drop(old);
  const auto [at, first] = places_.try_emplace(key);
  if (first) at->second = std::make_shared<Place>(executor_);
  const std::shared_ptr<Place> place = at->second;
  if (!first) {
    ++counts.hits;
    while (!place->made) co_await place->ready.wait();
  } else {
    const std::string shared_key = "wsbridge:cache:" + key;
    std::optional<Entry> shared;
    if (redis_) shared = co_await fetch(*redis_, shared_key, ttl_ns);
    ++(shared ? counts.hits : counts.misses);
    try {
      if (shared) {
        place->entry = *shared;
      } else {
        awaitable<Entry> making = make();
        place->entry = co_await std::move(making);
      }
    } catch (...) {
      place->error = std::current_exception();
    }
    place->made = true;
    place->until_ns = place->entry.born_ns + ttl_ns;
    place->ready.notify();
    keep(at);
    if (redis_ && !shared && !place->error && place->entry.status < 300) {
      std::vector<std::string> words{"SET", shared_key, packed(place->entry), "PX",
                                     std::to_string(std::max(ttl_ns / base::kMillisecond, int64_t{1}))};
      boost::asio::co_spawn(executor_, redis_->command(std::move(words)), boost::asio::detached);
    }
  }
  if (place->error) std::rethrow_exception(place->error);
  co_return place->entry;
}

}  // namespace wl::wsbridge::api
