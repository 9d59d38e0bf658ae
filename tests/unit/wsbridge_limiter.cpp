// Rate classes: never more than said in any minute, who is forgotten, and the same through Redis.
#include <chrono>
#include <deque>
#include <map>
#include <random>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>

#include "libcommon/base/time.h"
#include "tests/support/redis_server.h"
#include "tools/wsbridge/api/limiter.h"

using namespace wl::wsbridge;
using namespace std::chrono_literals;
using wl::base::kSecond;
namespace asio = boost::asio;

namespace {

asio::awaitable<void> ask(api::Limiter& limiter, std::string rate, std::string subject,
                          std::optional<int>& wait) {
  wait = co_await limiter.check(std::move(rate), std::move(subject));
}

std::optional<int> check(asio::io_context& io, api::Limiter& limiter, const std::string& subject) {
  std::optional<int> wait = -1;
  asio::co_spawn(io, ask(limiter, "few", subject, wait), asio::detached);
  io.restart();
  for (const auto until = std::chrono::steady_clock::now() + 2s;
       wait == -1 && std::chrono::steady_clock::now() < until;) {
    io.run_one_for(100ms);
  }
  return wait;
}

const std::vector<RateSpec> kRates{{"few", 3}, {"many", 1000}, {"none", 0}};

}  // namespace

TEST_CASE("a class lets its number through, and says when to come back", "[wsbridge]") {
  api::Limiter limiter(kRates, nullptr);
  const auto at = [&](double second) {
    return limiter.check_here("few", "ann", static_cast<int64_t>(second * 1e9));
  };
  REQUIRE(!at(100));
  REQUIRE(!at(110));
  REQUIRE(!at(120.5));
  REQUIRE(at(121) == 39);
  REQUIRE(at(159.9) == 1);
  REQUIRE(!at(160));
  REQUIRE(at(160) == 10);
  REQUIRE(!limiter.check_here("few", "bob", 121 * kSecond));
  REQUIRE(!limiter.check_here("many", "ann", 121 * kSecond));
  REQUIRE(limiter.check_here("none", "ann", 121 * kSecond) == 60);
  REQUIRE(!limiter.check_here("unheard of", "ann", 121 * kSecond));
  REQUIRE(limiter.refused() == 4);
}

TEST_CASE("no minute has more than its class allows", "[wsbridge]") {
  api::Limiter limiter({{"r", 30}}, nullptr);
  std::mt19937 random(7);
  std::deque<int64_t> granted;
  int64_t now = 1'000 * kSecond;
  int grants = 0;
  for (int i = 0; i < 20'000; ++i) {
    now += static_cast<int64_t>(random() % 100) * (i / 500 % 2 == 0 ? 1'000'000 : 100'000'000);
    while (!granted.empty() && granted.front() + 60 * kSecond <= now) granted.pop_front();
    const auto wait = limiter.check_here("r", "x", now);
    REQUIRE(wait.has_value() == (granted.size() == 30));
    if (wait) continue;
    granted.push_back(now);
    ++grants;
  }
  REQUIRE(grants > 1000);
}

TEST_CASE("subjects are forgotten: the idle ones, and the oldest beyond the bound", "[wsbridge]") {
  api::Limiter limiter(kRates, nullptr);
  for (size_t i = 0; i < api::Limiter::kMaxSubjects + 10'000; ++i) {
    REQUIRE(!limiter.check_here("few", std::to_string(i), kSecond));
  }
  REQUIRE(limiter.subjects() == api::Limiter::kMaxSubjects);
  REQUIRE(!limiter.check_here("few", "late", 62 * kSecond));
  REQUIRE(limiter.subjects() == 1);

  for (size_t i = 0; i < 5 * api::Limiter::kMaxGrants / 4; ++i) {
    REQUIRE(!limiter.check_here("many", std::to_string(i / 1000), 63 * kSecond));
  }
  REQUIRE(limiter.subjects() <= api::Limiter::kMaxGrants / 1000 + 1);
}

TEST_CASE("bridges count together in Redis, and alone while it is gone", "[wsbridge]") {
  RedisServer server("a password");
  if (!server.present()) return;
  wl::base::Log log("test");
  asio::io_context io(1);
  const auto make = [&] { return std::make_shared<api::Redis>(server.spec(), log); };
  const auto redis = make();
  api::Limiter one(kRates, redis);
  api::Limiter two(kRates, make());
  REQUIRE(!check(io, one, "ann"));
  REQUIRE(!check(io, two, "ann"));
  REQUIRE(!check(io, one, "ann"));
  const auto wait = check(io, two, "ann");
  REQUIRE((wait && *wait > 55 && *wait <= 60));
  REQUIRE(redis->up());

  SECTION("killed") { server.stop(); }
  SECTION("frozen") { server.freeze(); }
  const auto before = std::chrono::steady_clock::now();
  for (int i = 0; i < 3; ++i) REQUIRE(!check(io, one, "ann"));
  REQUIRE(check(io, one, "ann"));
  REQUIRE(!redis->up());
  REQUIRE(std::chrono::steady_clock::now() - before < 600ms);
}

TEST_CASE("Redis is used again when it is back", "[wsbridge]") {
  RedisServer server;
  if (!server.present()) return;
  wl::base::Log log("test");
  asio::io_context io(1);
  const auto redis = std::make_shared<api::Redis>(server.spec(), log);
  api::Limiter limiter(kRates, redis);
  REQUIRE(!check(io, limiter, "ann"));
  server.stop();
  REQUIRE(!check(io, limiter, "ann"));
  REQUIRE(!redis->up());
  server.start();
  REQUIRE(!check(io, limiter, "bob"));  // not tried yet
  REQUIRE(!redis->up());
  std::this_thread::sleep_for(api::Redis::kPause);
  for (int i = 0; i < 3; ++i) REQUIRE(!check(io, limiter, "bob"));
  REQUIRE(redis->up());
  REQUIRE(limiter.subjects() == 2);
}

TEST_CASE("a wrong password is Redis gone", "[wsbridge]") {
  RedisServer server("right");
  if (!server.present()) return;
  wl::base::Log log("test");
  asio::io_context io(1);
  api::RedisSpec spec = server.spec();
  spec.password = "wrong";
  const auto redis = std::make_shared<api::Redis>(spec, log);
  api::Limiter limiter(kRates, redis);
  for (int i = 0; i < 3; ++i) REQUIRE(!check(io, limiter, "ann"));
  REQUIRE(check(io, limiter, "ann"));
  REQUIRE(!redis->up());
}

TEST_CASE("URLs of Redis", "[wsbridge]") {
  const auto whole = api::parse_redis_url("redis://app@[::1]:7000/5");
  REQUIRE(whole);
  REQUIRE(whole->host == "::1");
  REQUIRE(whole->port == "7000");
  REQUIRE(whole->user == "app");
  REQUIRE(whole->database == 5);
  const auto plain = api::parse_redis_url("redis://cache.example");
  REQUIRE(plain);
  REQUIRE((plain->host == "cache.example" && plain->port == "6379" && plain->database == 0));
  for (const char* wrong : {"", "redis://", "rediss://h", "http://h", "redis://h:x", "redis://h:0",
                            "redis://h:70000", "redis://h/x", "redis://[::1", "redis://:6379"}) {
    INFO(wrong);
    REQUIRE(!api::parse_redis_url(wrong));
  }
  const auto leaky = api::parse_redis_url("redis://u:secret@h");
  REQUIRE(!leaky);
  REQUIRE(leaky.error().line().find("secret") == std::string::npos);
}
