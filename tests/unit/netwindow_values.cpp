#include <catch2/catch.hpp>

#include "libcommon/base/time.h"
#include "tools/netwindow/key.h"
#include "tools/netwindow/values.h"

using namespace wl;
using namespace wl::netwindow;
using ndjson::Value;
using ndjson::ValueKind;

namespace {

std::optional<int64_t> time_of(std::string_view text, ValueKind kind = ValueKind::text) {
  return TimeReader().read(Value{.kind = kind, .text = text});
}
std::optional<int64_t> number_time(std::string_view text) { return time_of(text, ValueKind::number); }

std::string amount(std::string_view text) {
  const auto parsed = read_amount(Value{.kind = ValueKind::number, .text = text});
  if (!parsed) return "none";
  std::string out;
  append_amount(out, *parsed);
  return out;
}

}  // namespace

TEST_CASE("times in all their forms", "[netwindow]") {
  const int64_t t = 1763629380 * base::kSecond;
  CHECK(time_of("2025-11-20T09:03:00Z") == t);
  CHECK(time_of("2025-11-20T09:03:00.5Z") == t + base::kSecond / 2);
  CHECK(time_of("2025-11-20T11:03:00+0200") == t);
  CHECK(time_of("2025-11-20T11:03:00.370011+0200") == t + 370'011'000);
  CHECK(time_of("2025-11-20T11:03:00+02:00") == t);
  CHECK(time_of("1763629380000000001") == t + 1);
  CHECK(time_of("1763629380.25") == t + base::kSecond / 4);
  CHECK(number_time("1763629380") == t);
  CHECK(number_time("1763629380.123456789") == t + 123'456'789);
  CHECK(number_time("1763629380123") == t + 123 * base::kMillisecond);
  CHECK(number_time("1763629380123456") == t + 123'456'000);
  CHECK(number_time("1763629380123456789") == t + 123'456'789);
  CHECK(number_time("1.76362938e9") == t);
  CHECK(number_time("-1.5") == -base::kSecond * 3 / 2);
  CHECK(time_of("-5000000000") == -5 * base::kSecond);
  for (const char* bad :
       {"", "x", "2025-13-20T09:03:00Z", "2025-11-20", "1e400", "99999999999999999999", "1.2.3", "-"}) {
    INFO(bad);
    CHECK_FALSE(time_of(bad));
  }
  CHECK_FALSE(number_time("50000000000"));
  CHECK_FALSE(number_time("9223372036854775807"));
  CHECK_FALSE(
      number_time("88181469006172"));  // milliseconds of the year 4764: more than 64 bits of nanoseconds
  CHECK_FALSE(number_time("9300000000000000"));
  CHECK_FALSE(number_time("1e30"));
  CHECK_FALSE(time_of("true", ValueKind::boolean));
}

TEST_CASE("the minute that is remembered gives the same times", "[netwindow]") {
  TimeReader reader;
  for (const char* text :
       {"2016-12-31T23:59:59.000001Z", "2016-12-31T23:59:60.500000Z", "2016-12-31T23:59:01.999999Z",
        "2017-01-01T00:00:00.000000Z", "2017-01-01T00:00:59.123456789Z", "2017-01-01T00:00:07.000000+01:00",
        "1969-12-31T23:59:58.250000Z", "1969-12-31T23:59:01.250000Z", "2017-01-01T00:00:07.12345xZ",
        "2017-01-01T00:00:99.123456Z"}) {
    INFO(text);
    CHECK(reader.read(Value{.kind = ValueKind::text, .text = text}) == base::parse_rfc3339(text));
  }
  (void)reader.read(Value{.kind = ValueKind::text, .text = "2017-01-01T00:00:59.123456789Z"});
  CHECK(reader.nanoseconds());
  (void)reader.read(Value{.kind = ValueKind::text, .text = "2017-01-01T00:00:58.123456Z"});
  CHECK_FALSE(reader.nanoseconds());
}

TEST_CASE("amounts add up exactly", "[netwindow]") {
  CHECK(amount("0") == "0");
  CHECK(amount("-0.50") == "-0.5");
  CHECK(amount("12345678901.000000001") == "12345678901.000000001");
  CHECK(amount("1e3") == "1000");
  CHECK(amount("2.5e-1") == "0.25");
  CHECK(amount("9007199254740993") == "none");
  CHECK(amount("1e300") == "none");
  Amount sum = 0;
  for (int i = 0; i < 10; ++i) sum += *read_amount(Value{.kind = ValueKind::text, .text = "0.1"});
  std::string out;
  append_amount(out, sum);
  CHECK(out == "1");
}

TEST_CASE("addresses in order, and their networks", "[netwindow]") {
  CHECK(address_less("9.0.0.1", "10.0.0.1"));
  CHECK(address_less("10.0.0.1", "::1"));
  CHECK(address_less("::9", "::10"));
  CHECK(address_less("::1", "host"));
  CHECK_FALSE(address_less("10.0.0.1", "10.0.0.1"));
  CHECK(network_of("10.1.2.3", 24, 64) == "10.1.2.0");
  CHECK(network_of("10.1.2.255", 25, 64) == "10.1.2.128");
  CHECK(network_of("10.1.2.3", 0, 64) == "0.0.0.0");
  CHECK(network_of("10.1.2.3", 32, 64) == "10.1.2.3");
  CHECK(network_of("2001:db8:1:2:3::4", 24, 64) == "2001:db8:1:2::");
  CHECK(network_of("2001:db8:1:2:3::4", 24, 47) == "2001:db8::");
  CHECK(network_of("2001:db8::1", 24, 128) == "2001:db8::1");
  CHECK_FALSE(network_of("10.1.2", 24, 64));
  CHECK_FALSE(network_of("", 24, 64));
}

TEST_CASE("keys: --by that cannot be", "[netwindow]") {
  for (const char* bad :
       {"", ",", "src_ip,", "src_ip/", "src_ip/129", "src_ip/x", "src_ip/24/129", "src_ip/48/24", "client/24",
        "src_ip,src_ip", "a.b,a_b", "bytes", "src_ip,ts", "sum_x"}) {
    INFO(bad);
    Paths paths;
    const auto spec = KeySpec::parse(bad, paths);
    REQUIRE_FALSE(spec);
    CHECK(spec.error().exit == base::Exit::usage);
  }
  Paths paths;
  CHECK(KeySpec::parse("src_ip/24,dst_ip/20/48,flow.id", paths)->names() ==
        std::vector<std::string>{"src_ip", "dst_ip", "flow_id"});
}
