#include <catch2/catch.hpp>

#include "libcommon/base/units.h"

using wl::base::format_duration;
using wl::base::parse_duration;
using wl::base::parse_number;
using wl::base::parse_size;

TEST_CASE("durations are read with their units") {
  CHECK(parse_duration("500ms").value() == 500'000'000);
  CHECK(parse_duration("5s").value() == 5'000'000'000);
  CHECK(parse_duration("5").value() == 5'000'000'000);
  CHECK(parse_duration("0.25").value() == 250'000'000);
  CHECK(parse_duration("1h30m").value() == 5'400'000'000'000);
  CHECK(parse_duration("30d").value() == 2'592'000'000'000'000);
  CHECK(parse_duration("7ns").value() == 7);
}

TEST_CASE("what is no duration is refused with the way to write it") {
  for (const char* text : {"", "s", "-5s", "5x", "5 s", "1e9", "nan", "inf", "1h-5m", "300000d"}) {
    INFO(text);
    const auto result = parse_duration(text);
    REQUIRE_FALSE(result);
    CHECK(result.error().exit == wl::base::Exit::usage);
    CHECK(result.error().hint == "write it as 500ms, 5s, 1h or 30d");
  }
}

TEST_CASE("sizes are powers of 1024") {
  CHECK(parse_size("64k").value() == 65536);
  CHECK(parse_size("10M").value() == 10485760);
  CHECK(parse_size("1GB").value() == 1073741824);
  CHECK(parse_size("3", 1024).value() == 3072);
  CHECK(parse_size("3b", 1024).value() == 3072);
  CHECK_FALSE(parse_size("20000000000G"));
  CHECK_FALSE(parse_size("M"));
  CHECK_FALSE(parse_size("-1"));
}

TEST_CASE("numbers keep to their limit") {
  CHECK(parse_number("65535", 65535).value() == 65535);
  CHECK_FALSE(parse_number("65536", 65535));
  CHECK_FALSE(parse_number("99999999999999999999"));
  CHECK_FALSE(parse_number("1 "));
}

TEST_CASE("a formatted duration reads back") {
  for (const int64_t ns : {int64_t{0}, int64_t{1}, int64_t{1'500'000'000}, int64_t{90'000'000'000},
                           int64_t{86'400'000'000'000}}) {
    CHECK(parse_duration(format_duration(ns)).value() == ns);
  }
  CHECK(format_duration(5'000'000'000) == "5s");
}
