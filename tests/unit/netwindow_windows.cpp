#include <vector>

#include <catch2/catch.hpp>

#include "libcommon/base/time.h"
#include "tools/netwindow/windows.h"

using namespace wl;
using namespace wl::netwindow;

namespace {

constexpr int64_t kS = base::kSecond;

struct Fixture {
  explicit Fixture(WindowClock clock)
      : windows(clock, {.keys = 10, .flows_per_key = 10},
                [this](Window& w) { closed.push_back(w.start() / kS); }) {}
  std::vector<int64_t> closed;
  Windows windows;
};

}  // namespace

TEST_CASE("windows are aligned to multiples since 1970", "[netwindow]") {
  CHECK(window_start(12 * kS, 5 * kS) == 10 * kS);
  CHECK(window_start(10 * kS, 5 * kS) == 10 * kS);
  CHECK(window_start(-1, 5 * kS) == -5 * kS);
  CHECK(window_start(-5 * kS, 5 * kS) == -5 * kS);
}

TEST_CASE("a window closes when the newest record is lateness past its end", "[netwindow]") {
  Fixture f({.length = 5 * kS, .lateness = 2 * kS});
  REQUIRE(f.windows.at(11 * kS) != nullptr);
  REQUIRE(f.windows.at(16 * kS) != nullptr);
  CHECK(f.windows.at(14 * kS)->start() == 10 * kS);
  REQUIRE(f.windows.at(17 * kS - 1) != nullptr);
  CHECK(f.closed.empty());
  CHECK(f.windows.at(12 * kS) != nullptr);
  REQUIRE(f.windows.at(17 * kS) != nullptr);
  CHECK(f.closed == std::vector<int64_t>{10});
  CHECK(f.windows.at(14 * kS) == nullptr);
  REQUIRE(f.windows.at(100 * kS) != nullptr);
  CHECK(f.closed == std::vector<int64_t>{10, 15});
  f.windows.finish();
  CHECK(f.closed == std::vector<int64_t>{10, 15, 100});
}

TEST_CASE("windows close in the order of time, whatever the order of records", "[netwindow]") {
  Fixture f({.length = kS, .lateness = 100 * kS});
  for (const int64_t second : {50, 3, 99, 4, 20}) REQUIRE(f.windows.at(second * kS) != nullptr);
  REQUIRE(f.windows.at(150 * kS) != nullptr);
  CHECK(f.closed == std::vector<int64_t>{3, 4, 20});
}

TEST_CASE("times at both ends of what is readable", "[netwindow]") {
  Fixture f({.length = 5 * kS, .lateness = 1'000'000 * kS});
  const int64_t end = int64_t{9'000'000'000} * kS;
  REQUIRE(f.windows.at(-end) != nullptr);
  CHECK(f.windows.at(-end)->start() == -end);
  REQUIRE(f.windows.at(end) != nullptr);
  CHECK(f.windows.at(end)->start() == end);
  CHECK(f.windows.at(-end) == nullptr);
  CHECK(f.closed == std::vector<int64_t>{-9'000'000'000});
}

TEST_CASE("in silence a live stream goes on by the wall clock", "[netwindow]") {
  Fixture f({.length = 5 * kS, .lateness = kS});
  REQUIRE(f.windows.at(12 * kS) != nullptr);
  f.windows.idle(12 * kS + kS / 10, 12 * kS);
  f.windows.idle(16 * kS - 1, 12 * kS);
  CHECK(f.closed.empty());
  f.windows.idle(16 * kS, 12 * kS);
  CHECK(f.closed == std::vector<int64_t>{10});
  CHECK(f.windows.at(14 * kS) == nullptr);
  CHECK(f.windows.at(15 * kS) != nullptr);
}

TEST_CASE("in silence a replay waits", "[netwindow]") {
  Fixture f({.length = 5 * kS, .lateness = kS});
  REQUIRE(f.windows.at(12 * kS) != nullptr);
  for (int64_t wall = 1000; wall < 2000; wall += 100) f.windows.idle(wall * kS, 12 * kS);
  CHECK(f.closed.empty());
  // The same for records from the future.
  f.windows.idle(2 * kS, 12 * kS);
  CHECK(f.closed.empty());
}

TEST_CASE("the grace of a stream of windows is waited for in silence", "[netwindow]") {
  Fixture f({.length = 60 * kS, .lateness = kS, .grace = 5 * kS});
  REQUIRE(f.windows.at(55 * kS) != nullptr);
  f.windows.idle(61 * kS, 60 * kS);
  f.windows.idle(66 * kS - 1, 60 * kS);
  CHECK(f.closed.empty());
  f.windows.idle(66 * kS, 60 * kS);
  CHECK(f.closed == std::vector<int64_t>{0});
}
