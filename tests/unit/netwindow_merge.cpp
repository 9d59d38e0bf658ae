// --merge: what was summed in pieces equals what is summed at once.
#include <algorithm>
#include <map>
#include <random>
#include <string>

#include <catch2/catch.hpp>

#include "libcommon/base/time.h"
#include "tests/unit/netwindow_support.h"

using namespace wl;
using namespace wl::netwindow;
using namespace wl::netwindow::test;
using nlohmann::json;

namespace {

constexpr int64_t kS = base::kSecond;

/// Packets of 60 seconds in order of time; with `nanoseconds` times have nine digits.
std::vector<std::string> packets(unsigned seed, bool dir) {
  std::mt19937 random(seed);
  std::vector<std::string> lines;
  int64_t ts = *base::parse_rfc3339("2026-01-01T00:00:00Z");
  for (int i = 0; i < 3000; ++i) {
    ts += static_cast<int64_t>(random() % 40) * base::kMillisecond;
    std::string more =
        ",\"proto\":\"tcp\",\"src_port\":40000,\"dst_port\":" + std::to_string(random() % 25 + 1);
    if (dir) more += random() % 2 == 0 ? ",\"dir\":\"in\"" : ",\"dir\":\"out\"";
    if (random() % 30 == 0) more = "";
    const std::string line = packet(base::rfc3339(ts, 6), "10.0.0." + std::to_string(random() % 9),
                                    "192.0.2." + std::to_string(random() % 3), more);
    lines.push_back(random() % 50 == 0 ? R"({"type":"packet","len":9})"
                                         "\n"
                                       : line);
  }
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string all;
  for (const std::string& line : lines) all += line;
  return all;
}

Ran windows_of(std::string_view input, std::string by, int64_t length, uint64_t top = 0, bool whole = false,
               bool merge = false) {
  Options options;
  options.by = std::move(by);
  options.window = length;
  options.top = top;
  options.whole = whole;
  options.merge = merge;
  options.lateness = merge ? 60 * kS : kS;
  Ran ran = run_on(options, input);
  REQUIRE(ran.exit == base::Exit::ok);
  return ran;
}

std::vector<json> comparable(const Ran& ran) {
  std::vector<json> records = ran.records;
  for (json& record : records) {
    // Flows cannot be known; and shorter windows tell of untimed packets earlier.
    for (const char* key : {"flows", "untimed_packets", "untimed_bytes"}) record.erase(key);
    if (!record.contains("windows")) continue;
    for (json& window : record["windows"]) window.erase("flows");
  }
  return records;
}

void check_same(const Ran& merged, const Ran& direct) {
  const auto a = comparable(merged), b = comparable(direct);
  REQUIRE(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) CHECK(a[i] == b[i]);
}

}  // namespace

TEST_CASE("short windows merge into long ones", "[netwindow]") {
  const bool dir = GENERATE(false, true);
  const bool whole = GENERATE(false, true);
  const std::string by = dir ? "client" : "pair";
  std::vector<std::string> lines = packets(5, dir);
  std::erase_if(lines, [](const std::string& line) { return !line.contains("\"ts\""); });
  const std::string input = joined(lines);
  const Ran fine = windows_of(input, by, kS, 0, whole);
  const Ran coarse = windows_of(fine.text, "", 15 * kS, 0, whole, true);
  check_same(coarse, windows_of(input, by, 15 * kS, 0, whole));
  // Twice: 1 s -> 5 s -> 30 s.
  const Ran twice =
      windows_of(windows_of(fine.text, "", 5 * kS, 0, false, true).text, "", 30 * kS, 0, whole, true);
  check_same(twice, windows_of(input, by, 30 * kS, 0, whole));
}

TEST_CASE("several sensors merge into one", "[netwindow]") {
  const std::vector<std::string> lines = packets(6, true);
  std::array<std::string, 3> sensors;
  for (size_t i = 0; i < lines.size(); ++i) sensors[i * i % 3] += lines[i];
  std::string all;
  for (const std::string& sensor : sensors) all += windows_of(sensor, "client", 5 * kS).text;
  const Ran merged = windows_of(all, "", 5 * kS, 0, false, true);
  const Ran direct = windows_of(joined(lines), "client", 5 * kS);
  const auto sum = [](const Ran& ran, const char* key) {
    uint64_t n = 0;
    for (const json& total : ran.of("window_total")) n += total.at(key).get<uint64_t>();
    return n;
  };
  for (const char* key :
       {"packets", "bytes", "unkeyed_bytes", "late_packets", "untimed_packets", "untimed_bytes"}) {
    INFO(key);
    CHECK(sum(merged, key) == sum(direct, key));
  }
  CHECK(sum(direct, "untimed_packets") > 0);
  const auto a = comparable(merged), b = comparable(direct);
  REQUIRE(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].at("type") == "window") CHECK(a[i] == b[i]);
  }
}

TEST_CASE("what --top left out stays exact through merging", "[netwindow]") {
  const std::string input = joined(packets(7, true));
  const Ran direct = windows_of(input, "client", 20 * kS);
  const Ran merged = windows_of(windows_of(input, "client", kS, 2).text, "", 20 * kS, 3, false, true);
  std::map<std::string, uint64_t> totals;
  for (const json& total : direct.of("window_total")) totals[total.at("ts")] = total.at("bytes");
  REQUIRE(merged.of("window_total").size() == totals.size());
  for (const json& total : merged.of("window_total")) {
    CHECK(total.at("bytes") == totals.at(total.at("ts")));
    uint64_t shown = total.at("other_bytes").get<uint64_t>() + total.at("unkeyed_bytes").get<uint64_t>();
    for (const json& window : merged.of("window")) {
      if (window.at("ts") == total.at("ts")) shown += window.at("bytes").get<uint64_t>();
    }
    CHECK(shown == total.at("bytes"));
    CHECK(total.contains("keys_min"));
  }
}

TEST_CASE("merging by fewer fields, and by networks", "[netwindow]") {
  const std::string input = joined(packets(8, false));
  const Ran fine = windows_of(input, "src_ip,dst_port", 5 * kS);
  check_same(windows_of(fine.text, "dst_port", 5 * kS, 0, false, true),
             windows_of(input, "dst_port", 5 * kS));
  const Ran hosts = windows_of(input, "src_ip", 5 * kS);
  check_same(windows_of(hosts.text, "src_ip/29", 5 * kS, 0, false, true),
             windows_of(input, "src_ip/29", 5 * kS));
}

TEST_CASE("sums of any records merge exactly", "[netwindow]") {
  std::string input;
  for (int i = 0; i < 500; ++i) {
    input += R"({"t":)" + std::to_string(1000 + i / 10) + R"(,"who":{"name":"u)" + std::to_string(i % 7) +
             R"("},"cost":0.1,"n":)" + std::to_string(i) + "}\n";
  }
  Options options;
  options.time = "t";
  options.sums = {"cost", "n"};
  options.by = "who.name";
  options.window = kS;
  const Ran fine = run_on(options, input);
  options.window = 10 * kS;
  const Ran direct = run_on(options, input);
  options.merge = true;
  options.by = "";
  const Ran merged = run_on(options, fine.text);
  CHECK(merged.exit == base::Exit::ok);
  CHECK(merged.text == direct.text);
  CHECK(direct.of("window").at(0).at("who_name") == "u0");
  CHECK(direct.of("window_total").at(0).at("sum_cost") == 10);
}

TEST_CASE("what is no window of ours is refused whole", "[netwindow]") {
  Options options;
  options.merge = true;
  const std::string good =
      R"({"type":"window","ts":"2026-01-01T00:00:00Z","until":"2026-01-01T00:00:05Z","client":"10.0.0.1","packets":1,"bytes":2,"protocols":[{"proto":"tcp","port":80,"bytes":2}],"first":"2026-01-01T00:00:01Z","last":"2026-01-01T00:00:01Z"})";
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string line = good;
    line.replace(line.find(from), from.size(), to);
    return line + "\n";
  };
  for (const std::string& bad :
       {with("00:05Z", "00:06Z"), with("\"packets\":1", "\"packets\":-1"),
        with("\"bytes\":2,", "\"bytes\":\"x\","), with("\"port\":80", "\"port\":80000"), with("[{", "[1,{"),
        with("\"first\":\"2026", "\"first\":\"x2026"), with("\"until\":\"2026", "\"until\":\"2025"),
        with("\"10.0.0.1\"", "{}"), std::string("{\"type\":\"windows\",\"windows\":7}\n"),
        std::string("[1]\n")}) {
    INFO(bad);
    const Ran ran = run_on(options, good + "\n" + bad + good + "\n");
    CHECK(ran.exit == base::Exit::failed);
    CHECK(ran.log.find("stdin:2: ") != std::string::npos);
    REQUIRE(ran.of("window").size() == 1);
    CHECK(ran.of("window")[0].at("packets") == 2);
    CHECK(ran.of("window")[0].at("protocols").size() == 1);
  }
}
