#include <catch2/catch.hpp>

#include "libcommon/base/time.h"
#include "tools/netsniff/pacer.h"

namespace {

using wl::base::kSecond;
using wl::netsniff::Pacer;

TEST_CASE("the first packet is due at once, the others as far behind it as they were") {
  Pacer pacer(1);
  CHECK(pacer.wait_ns(1000 * kSecond, 5) == 0);
  CHECK(pacer.wait_ns(1003 * kSecond, 5) == 3 * kSecond);
  CHECK(pacer.wait_ns(1003 * kSecond, 5 + kSecond) == 2 * kSecond);
  CHECK(pacer.wait_ns(1003 * kSecond, 5 + 3 * kSecond) == 0);
}

TEST_CASE("a tenth of the time at ten times the speed") {
  Pacer pacer(10);
  CHECK(pacer.wait_ns(0, 0) == 0);
  CHECK(pacer.wait_ns(20 * kSecond, 0) == 2 * kSecond);
  CHECK(pacer.wait_ns(20 * kSecond, kSecond) == kSecond);
}

TEST_CASE("who comes late does not wait, and does not move the others") {
  Pacer pacer(1);
  CHECK(pacer.wait_ns(10 * kSecond, 0) == 0);
  CHECK(pacer.wait_ns(12 * kSecond, 7 * kSecond) == 0);
  CHECK(pacer.wait_ns(18 * kSecond, 7 * kSecond) == kSecond);
}

TEST_CASE("time that goes back does not wait") {
  Pacer pacer(1);
  CHECK(pacer.wait_ns(10 * kSecond, 0) == 0);
  CHECK(pacer.wait_ns(0, 0) == 0);
  CHECK(pacer.wait_ns(INT64_MIN, 0) == 0);
}

TEST_CASE("times at both ends of what 64 bits hold") {
  Pacer pacer(1);
  CHECK(pacer.wait_ns(INT64_MIN, 100) == 0);
  CHECK(pacer.wait_ns(INT64_MAX, 200) == INT64_MAX);
  Pacer later(10);
  CHECK(later.wait_ns(0, 100) == 0);
  CHECK(later.wait_ns(INT64_MAX, 100) == INT64_MAX / 10);
}

}  // namespace
