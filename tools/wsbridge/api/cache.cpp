#include "tools/wsbridge/api/cache.h"

#include <array>
#include <charconv>
#include <cmath>
#include <exception>
#include <list>
#include <optional>
#include <unordered_map>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>
#include <openssl/sha.h>

#include "libcommon/base/time.h"
#include "tools/wsbridge/http/conditional.h"

namespace wl::wsbridge::api {

namespace asio = boost::asio;

namespace {

constexpr size_t kOverhead = 256;  ///< of an entry beside its key and body, roughly
constexpr int64_t kSweep = 60 * base::kSecond;

std::string etag_of(std::string_view body) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(body.data()), body.size(), digest.data());
  std::string etag = "\"";
  for (size_t i = 0; i < 16; ++i) etag += {kHex[digest[i] >> 4], kHex[digest[i] & 15]};
  return etag + '"';
}

/// How an entry stands in Redis: "STATUS BORN MEDIA-TYPE\nBODY", BORN in milliseconds since 1970.
std::string packed(const Entry& entry) {
  const int64_t age = base::steady_clock_ns() - entry.born_ns;
  return std::to_string(entry.status) + ' ' +
         std::to_string((base::wall_clock_ns() - age) / base::kMillisecond) + ' ' + entry.media_type + '\n' +
         *entry.body;
}

std::optional<Entry> unpacked(std::string_view text) {
  unsigned status = 0;
  int64_t born = 0;
  const size_t line = std::min(text.find('\n'), text.size());
  const char* const end = text.data() + line;
  const auto first = std::from_chars(text.data(), end, status);
  if (first.ec != std::errc{} || first.ptr == end) return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, born);
  if (second.ec != std::errc{} || second.ptr == end || line == text.size()) return std::nullopt;
  Entry entry = make_entry(status, std::string(second.ptr + 1, end), std::string(text.substr(line + 1)));
  entry.born_ns -=
      std::max(base::wall_clock_ns() / base::kMillisecond - born, int64_t{0}) * base::kMillisecond;
  return entry;
}

/// One making, and those who wait for it.
struct Flight {
  explicit Flight(const asio::any_io_executor& executor)
      : landed(executor, std::chrono::steady_clock::time_point::max()) {}
  asio::steady_timer landed;
  bool done = false;
  Entry entry{};
  std::exception_ptr error{};
};

}  // namespace

Entry make_entry(unsigned status, std::string media_type, std::string body) {
  std::string etag = etag_of(body);
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

namespace {

/// What another bridge has made, younger than `ttl_ns`.
asio::awaitable<std::optional<Entry>> fetch(std::shared_ptr<Redis> redis, std::string key, int64_t ttl_ns) {
  std::vector<std::string> words{"GET", std::move(key)};
  const auto reply = co_await redis->command(std::move(words));
  if (!reply || reply->nil) co_return std::nullopt;
  std::optional<Entry> entry = unpacked(reply->text);
  if (entry && entry->born_ns + ttl_ns <= base::steady_clock_ns()) entry.reset();
  co_return entry;
}

asio::awaitable<void> share(std::shared_ptr<Redis> redis, std::string key, Entry entry, int64_t ttl_ns) {
  const int64_t ms = std::max(ttl_ns / base::kMillisecond, int64_t{1});
  std::vector<std::string> words{"SET", std::move(key), packed(entry), "PX", std::to_string(ms)};
  co_await redis->command(std::move(words));
}

}  // namespace

struct Cache::State {
  struct Kept {
    std::string key;
    std::string route;
    Entry entry;
    int64_t until_ns;
    [[nodiscard]] size_t size() const { return 2 * key.size() + entry.body->size() + kOverhead; }
  };
  using Order = std::list<Kept>;

  State(asio::any_io_executor its_executor, std::shared_ptr<Redis> its_redis, Limits its_limits)
      : executor(std::move(its_executor)), redis(std::move(its_redis)), limits(its_limits) {}

  void drop(Order::iterator kept) {
    for (CacheCounts* const counts : {&total, &routes[kept->route]}) {
      --counts->entries;
      counts->bytes -= kept->size();
    }
    by_key.erase(kept->key);
    order.erase(kept);
  }

  /// Null: not there, or too old.
  const Entry* find(const std::string& key) {
    const auto found = by_key.find(key);
    if (found == by_key.end()) return nullptr;
    if (found->second->until_ns <= base::steady_clock_ns()) {
      drop(found->second);
      return nullptr;
    }
    order.splice(order.begin(), order, found->second);
    return &order.front().entry;
  }

  void sweep(int64_t now) {
    if (now < next_sweep_ns) return;
    next_sweep_ns = now + kSweep;
    for (auto at = order.begin(); at != order.end();) {
      const auto kept = at++;
      if (kept->until_ns <= now) drop(kept);
    }
  }

  void keep(const std::string& route, const std::string& key, const Entry& entry, int64_t until_ns) {
    if (const auto old = by_key.find(key); old != by_key.end()) drop(old->second);
    sweep(base::steady_clock_ns());
    Kept kept{key, route, entry, until_ns};
    if (kept.size() > limits.bytes / 4) return;
    order.push_front(std::move(kept));
    by_key.emplace(key, order.begin());
    for (CacheCounts* const counts : {&total, &routes[route]}) {
      ++counts->entries;
      counts->bytes += order.front().size();
    }
    while (total.entries > limits.entries || total.bytes > limits.bytes) drop(std::prev(order.end()));
  }

  void count(const std::string& route, uint64_t CacheCounts::* what) {
    ++(total.*what);
    ++(routes[route].*what);
  }

  static asio::awaitable<void> fly(std::shared_ptr<State> self, std::shared_ptr<Flight> flight,
                                   std::string route, std::string key, int64_t ttl_ns, Maker make) {
    const std::string shared_key = "wsbridge:cache:" + key;
    std::optional<Entry> found;
    if (self->redis) found = co_await fetch(self->redis, shared_key, ttl_ns);
    self->count(route, found ? &CacheCounts::hits : &CacheCounts::misses);
    try {
      if (found) {
        flight->entry = *std::move(found);
      } else {
        asio::awaitable<Entry> making = make();
        flight->entry = co_await std::move(making);
        if (!flight->entry.body) flight->entry.body = std::make_shared<const std::string>();
        if (self->redis && flight->entry.status < 300) {
          asio::co_spawn(self->executor, share(self->redis, shared_key, flight->entry, ttl_ns),
                         asio::detached);
        }
      }
      if (flight->entry.status < 300) self->keep(route, key, flight->entry, flight->entry.born_ns + ttl_ns);
    } catch (...) {
      flight->error = std::current_exception();
    }
    self->flights.erase(key);
    flight->done = true;
    flight->landed.cancel();
  }

  asio::any_io_executor executor;
  std::shared_ptr<Redis> redis;
  Limits limits;
  Order order{};  ///< those used last stand first
  std::unordered_map<std::string, Order::iterator> by_key{};
  std::unordered_map<std::string, std::shared_ptr<Flight>> flights{};
  CacheCounts total{};
  std::map<std::string, CacheCounts> routes{};
  int64_t next_sweep_ns = 0;
};

Cache::Cache(asio::any_io_executor executor, std::shared_ptr<Redis> redis, Limits limits)
    : state_(std::make_shared<State>(std::move(executor), std::move(redis), limits)) {}
Cache::~Cache() = default;

asio::awaitable<Entry> Cache::get(std::string route, std::string values, int64_t ttl_ns, Maker make) {
  const std::shared_ptr<State> state = state_;
  const std::string key = route + '\n' + values;
  if (const Entry* const entry = state->find(key)) {
    state->count(route, &CacheCounts::hits);
    co_return *entry;
  }
  std::shared_ptr<Flight>& place = state->flights[key];
  const bool first = !place;
  if (first) place = std::make_shared<Flight>(state->executor);
  const std::shared_ptr<Flight> flight = place;
  if (first) {
    asio::co_spawn(state->executor, State::fly(state, flight, route, key, ttl_ns, std::move(make)),
                   asio::detached);
  } else {
    state->count(route, &CacheCounts::hits);
  }
  boost::system::error_code ignored;
  while (!flight->done) {
    co_await flight->landed.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  if (flight->error) std::rethrow_exception(flight->error);
  co_return flight->entry;
}

const CacheCounts& Cache::counts() const { return state_->total; }
const std::map<std::string, CacheCounts>& Cache::by_route() const { return state_->routes; }

std::string Cache::statistics() const {
  const auto show = [](const CacheCounts& counts) {
    const uint64_t asked = counts.hits + counts.misses;
    const double rate = asked == 0 ? 0 : static_cast<double>(counts.hits) / static_cast<double>(asked);
    return nlohmann::ordered_json{{"hits", counts.hits},
                                  {"misses", counts.misses},
                                  {"hit_rate", std::round(rate * 1e4) / 1e4},
                                  {"entries", counts.entries},
                                  {"bytes", counts.bytes}};
  };
  nlohmann::ordered_json all = show(state_->total);
  all["by_route"] = nlohmann::ordered_json::object();
  for (const auto& [route, counts] : state_->routes) all["by_route"][route] = show(counts);
  return all.dump();
}

}  // namespace wl::wsbridge::api
