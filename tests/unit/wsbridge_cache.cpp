// The cache of answers: one making for many, what is kept and for how long; and the same through Redis.
#include <chrono>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <catch2/catch.hpp>

#include "libcommon/base/time.h"
#include "tests/support/redis_server.h"
#include "tools/wsbridge/api/cache.h"

using namespace wl::wsbridge;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

constexpr int64_t kTtl = 60 * wl::base::kSecond;

asio::awaitable<void> sleep(asio::any_io_executor executor, std::chrono::milliseconds time) {
  asio::steady_timer timer(executor, time);
  boost::system::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

asio::awaitable<api::Entry> make_slowly(asio::any_io_executor executor, int& made, unsigned status,
                                        std::string body) {
  ++made;
  co_await sleep(executor, 20ms);
  co_return api::make_entry(status, "application/json", std::move(body));
}

asio::awaitable<void> ask(api::Cache& cache, std::string values, int64_t ttl, api::Cache::Maker maker,
                          std::vector<std::string>& answers) {
  try {
    const api::Entry entry = co_await cache.get("/api/x", std::move(values), ttl, std::move(maker));
    answers.push_back(std::to_string(entry.status) + " " + *entry.body);
  } catch (const std::runtime_error& error) {
    answers.emplace_back(error.what());
  }
}

/// A cache whose makers count what they make.
struct Bench {
  explicit Bench(std::shared_ptr<api::Redis> redis = nullptr, size_t entries = 10'000,
                 size_t bytes = size_t{64} << 20)
      : cache(io.get_executor(), std::move(redis), entries, bytes) {}

  void request(const std::string& values, unsigned status = 200, std::string body = "{}",
               int64_t ttl = kTtl) {
    ++asked;
    const asio::any_io_executor executor = io.get_executor();
    asio::co_spawn(
        io,
        ask(
            cache, values, ttl, [=, this] { return make_slowly(executor, made, status, body); }, answers),
        asio::detached);
  }
  /// Until all requests have their answers.
  void run() {
    io.restart();
    for (const auto until = std::chrono::steady_clock::now() + 5s; answers.size() < asked;) {
      if (io.run_one_for(100ms) == 0 && std::chrono::steady_clock::now() > until) break;
    }
  }

  asio::io_context io{1};
  api::Cache cache;
  int made = 0;
  size_t asked = 0;
  std::vector<std::string> answers{};
};

http::Request request_with(const std::string& name, const std::string& value) {
  http::Request request;
  request.method = "GET";
  request.headers.emplace_back(name, value);
  return request;
}

std::string header(const http::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

}  // namespace

TEST_CASE("a hundred requests at once are one making, and the next ones find it", "[wsbridge]") {
  Bench bench;
  for (int i = 0; i < 100; ++i) bench.request("a=1");
  bench.request("a=2");
  bench.run();
  REQUIRE(bench.made == 2);
  REQUIRE(bench.answers == std::vector<std::string>(101, "200 {}"));
  bench.request("a=1");
  bench.run();
  REQUIRE(bench.made == 2);
  REQUIRE(bench.cache.by_route().at("/api/x").hits == 100);
  REQUIRE(bench.cache.by_route().at("/api/x").misses == 2);
  REQUIRE(bench.cache.entries() == 2);
  REQUIRE(bench.cache.bytes() > 4);
}

TEST_CASE("a failure goes to all who wait and is not kept", "[wsbridge]") {
  Bench bench;
  for (int i = 0; i < 10; ++i) bench.request("", 503, "busy");
  bench.run();
  REQUIRE(bench.made == 1);
  REQUIRE(bench.answers == std::vector<std::string>(10, "503 busy"));
  REQUIRE(bench.cache.entries() == 0);
  bench.answers.clear();
  bench.asked = 0;
  const auto throws = []() -> asio::awaitable<api::Entry> {
    throw std::runtime_error("thrown");
    co_return api::Entry{};
  };
  for (int i = 0; i < 3; ++i) {
    asio::co_spawn(bench.io, ask(bench.cache, "", kTtl, throws, bench.answers), asio::detached);
  }
  bench.asked = 3;
  bench.run();
  REQUIRE(bench.answers == std::vector<std::string>(3, "thrown"));
  bench.answers.clear();
  bench.asked = 0;
  bench.request("", 200, "well");
  bench.run();
  REQUIRE(bench.answers == std::vector<std::string>{"200 well"});
}

TEST_CASE("who comes while an answer is made waits for the same one", "[wsbridge]") {
  Bench bench;
  bench.request("", 200, "first");
  bench.io.run_for(5ms);
  REQUIRE(bench.made == 1);
  REQUIRE(bench.answers.empty());
  bench.request("", 200, "second");
  bench.run();
  REQUIRE(bench.made == 1);
  REQUIRE(bench.answers == std::vector<std::string>(2, "200 first"));
}

TEST_CASE("an answer lives as long as its route says", "[wsbridge]") {
  Bench bench;
  bench.request("", 200, "1", 30 * wl::base::kMillisecond);
  bench.run();
  std::this_thread::sleep_for(40ms);
  bench.request("", 200, "2", 30 * wl::base::kMillisecond);
  bench.run();
  REQUIRE(bench.answers == std::vector<std::string>{"200 1", "200 2"});
  REQUIRE(bench.cache.entries() == 1);
}

TEST_CASE("the cache stays within its bounds and forgets the oldest", "[wsbridge]") {
  Bench bench(nullptr, 3, 100'000);
  for (const char* values : {"a", "b", "c"}) {
    bench.request(values);
    bench.run();
  }
  bench.request("d");
  bench.run();
  bench.request("b");
  bench.run();
  REQUIRE(bench.made == 4);
  bench.request("a");
  bench.run();
  REQUIRE(bench.made == 5);
  REQUIRE(bench.cache.entries() == 3);

  for (const char* values : {"e", "f", "g"}) bench.request(values, 200, std::string(24'000, 'x'));
  bench.request("h", 200, std::string(60'000, 'x'));  // more than a quarter of it all: never kept
  bench.run();
  REQUIRE(bench.cache.bytes() <= 100'000);
  const int before = bench.made;
  bench.request("h");
  bench.request("g");
  bench.run();
  REQUIRE(bench.made == before + 1);
}

TEST_CASE("an answer carries its age and its tag, and 304 stands for what is known", "[wsbridge]") {
  api::Entry entry = api::make_entry(200, "application/json", "{}");
  REQUIRE(entry.etag == api::make_entry(200, "text/plain", "{}").etag);
  REQUIRE(entry.etag != api::make_entry(200, "application/json", "{ }").etag);
  entry.born_ns -= 7 * wl::base::kSecond;
  http::Response whole = api::respond(entry, request_with("If-None-Match", "\"other\""));
  REQUIRE(whole.status == 200);
  REQUIRE(header(whole, "Age") == "7");
  REQUIRE(header(whole, "ETag") == entry.etag);
  REQUIRE(header(whole, "Content-Type") == "application/json");
  REQUIRE(*std::get<std::shared_ptr<const std::string>>(whole.body) == "{}");

  for (const std::string& known : {entry.etag, "\"a\", W/" + entry.etag, std::string("*")}) {
    const http::Response same = api::respond(entry, request_with("if-none-match", known));
    REQUIRE(same.status == 304);
    REQUIRE(header(same, "ETag") == entry.etag);
    REQUIRE(header(same, "Content-Type").empty());
    REQUIRE(std::get<std::string>(same.body).empty());
  }
  const http::Response failed = api::respond(api::make_entry(404, "application/problem+json", "{}"), {});
  REQUIRE(failed.status == 404);
  REQUIRE(header(failed, "ETag").empty());
}

TEST_CASE("two bridges share answers through Redis, and each goes on alone without it", "[wsbridge]") {
  RedisServer server;
  if (!server.present()) return;
  wl::base::Log log("test");
  Bench one(std::make_shared<api::Redis>(server.spec(), log));
  Bench two(std::make_shared<api::Redis>(server.spec(), log));
  one.request("", 200, std::string("a\0b\n", 4));
  one.run();
  one.io.run_for(100ms);  // it is shared behind the answer
  two.request("", 200, "never made");
  two.run();
  REQUIRE(two.made == 0);
  REQUIRE(two.answers == std::vector<std::string>{"200 " + std::string("a\0b\n", 4)});
  REQUIRE(two.cache.by_route().at("/api/x").hits == 1);

  server.stop();
  const auto before = std::chrono::steady_clock::now();
  for (int i = 0; i < 50; ++i) two.request("values " + std::to_string(i));
  two.run();
  REQUIRE(two.made == 50);
  two.request("values 7");
  two.run();
  REQUIRE(two.made == 50);
  REQUIRE(std::chrono::steady_clock::now() - before < 1s);
}
