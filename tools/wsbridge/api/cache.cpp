#include "tools/wsbridge/api/cache.h"

#include <algorithm>
#include <exception>
#include <optional>

#include <boost/asio/detached.hpp>
#include <nlohmann/json.hpp>

#include "libcommon/base/time.h"
#include "tools/wsbridge/access/access.h"
#include "tools/wsbridge/http/files.h"
#include "tools/wsbridge/process/event.h"

namespace wl::wsbridge::api {
namespace {

using nlohmann::json;

constexpr size_t kBeside = 512;  // bytes of an answer beside key and body, roughly

int64_t wall_clock_ms() { return base::wall_clock_ns() / base::kMillisecond; }

/// How an entry stands in Redis: "[STATUS,BORN,MEDIA-TYPE]\nBODY", BORN in milliseconds since 1970.
std::string packed(const Entry& entry) {
  const int64_t age = (base::steady_clock_ns() - entry.born_ns) / base::kMillisecond;
  return json{entry.status, wall_clock_ms() - age, entry.headers.front().second}.dump() + '\n' + *entry.body;
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
  return {status,
          {{"Content-Type", std::move(media_type)}},
          std::make_shared<const std::string>(std::move(body)),
          std::move(etag),
          base::steady_clock_ns()};
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
  response.headers.insert(response.headers.end(), entry.headers.begin(), entry.headers.end());
  response.body = entry.body;
  return response;
}

/// An answer that is being made.
struct Cache::Making {
  explicit Making(const Executor& executor) : ready(executor) {}
  process::Event ready;
  bool made = false;
  Entry entry{};
  std::exception_ptr error{};
};

awaitable<Entry> Cache::get(std::string route, std::string values, int64_t ttl_ns, Maker make) {
  const std::string key = route + '\n' + values;
  Counts& counts = routes_[route];
  const Entry* const kept = kept_.find(key);
  if (kept != nullptr && kept->born_ns + ttl_ns > base::steady_clock_ns()) {
    ++counts.hits;
    co_return *kept;
  }
  kept_.erase(key);
  const auto [at, first] = making_.try_emplace(key);
  if (first) at->second = std::make_shared<Making>(executor_);
  const std::shared_ptr<Making> making = at->second;
  if (!first) {
    ++counts.hits;
    while (!making->made) co_await making->ready.wait();
  } else {
    const std::string shared_key = "wsbridge:cache:" + key;
    std::optional<Entry> shared;
    if (redis_) shared = co_await fetch(*redis_, shared_key, ttl_ns);
    ++(shared ? counts.hits : counts.misses);
    Entry& entry = making->entry;
    try {
      if (shared) {
        entry = *shared;
      } else {
        awaitable<Entry> work = make();
        entry = co_await std::move(work);
      }
    } catch (...) {
      making->error = std::current_exception();
    }
    making->made = true;
    making->ready.notify();
    making_.erase(at);
    const bool good = !making->error && entry.status < 300;
    const size_t bytes = good ? kBeside + key.size() + entry.body->size() : 0;
    if (good && bytes <= max_bytes_ / 4) kept_.put(key, bytes, entry);
    if (good && redis_ && !shared) {
      std::vector<std::string> words{"SET", shared_key, packed(entry), "PX",
                                     std::to_string(std::max(ttl_ns / base::kMillisecond, int64_t{1}))};
      asio::co_spawn(executor_, redis_->command(std::move(words)), asio::detached);
    }
  }
  if (making->error) std::rethrow_exception(making->error);
  co_return making->entry;
}

}  // namespace wl::wsbridge::api
