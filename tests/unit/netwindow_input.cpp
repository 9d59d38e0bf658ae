// What comes in: bad lines, default keys, the stream's own records, SYNs, strictness.
#include <string>

#include <catch2/catch.hpp>

#include "libcommon/base/time.h"
#include "tests/unit/netwindow_support.h"

using namespace wl;
using namespace wl::netwindow;
using namespace wl::netwindow::test;
using nlohmann::json;

namespace {

const std::string kT = "2026-01-01T00:00:01.000000Z";

size_t lines_with(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++n;
  return n;
}

}  // namespace

TEST_CASE("bad lines are skipped, told of and counted; the rest is processed", "[netwindow]") {
  Options options;
  options.by = "pair";
  const std::string good = packet(kT, "10.0.0.1", "10.0.0.2");
  std::string input = good + "not json\n\n \r\n" + good + std::string("{\"a\":\0}\n", 8) +
                      "{\"a\":\"\xff\"}\n" +
                      R"({"type":"packet","ts":true})"
                      "\n" +
                      R"({"type":"packet","ts":"2026-01-01T00:00:01Z","len":-1})"
                      "\n" +
                      R"({"type":"packet","ts":"2026-01-01T00:00:01Z","len":1,"src_port":70000,"dst_port":1})"
                      "\n" +
                      R"({"type":"packet","ts":"2026-01-01T00:00:01Z","src_ip":7})"
                      "\n" +
                      good;
  const Ran ran = run_on(options, input);
  CHECK(ran.exit == base::Exit::failed);
  CHECK(ran.of("window").at(0).at("packets") == 3);
  CHECK(ran.of("window_total").at(0).at("packets") == 3);
  for (const char* told : {"stdin:2: expected a JSON object", "stdin:6: expected a JSON object",
                           "stdin:7: expected a JSON object", "stdin:8: expected a time in ts",
                           "stdin:9: expected a whole number in len", "stdin:10: expected a port in src_port",
                           "stdin:11: expected an address in src_ip"}) {
    INFO(told);
    CHECK(lines_with(ran.log, told) == 1);
  }
  options.strict = true;
  const Ran strict = run_on(options, input);
  CHECK(strict.exit == base::Exit::failed);
  CHECK(strict.of("window").at(0).at("packets") == 1);
  CHECK(lines_with(strict.log, "stdin:") == 1);

  std::string many;
  for (int i = 0; i < 100; ++i) many += "x\n";
  const Ran counted = run_on(Options{}, many + good);
  CHECK(lines_with(counted.log, "stdin:") == 10);
  CHECK(lines_with(counted.log, "100") == 1);
}

TEST_CASE("a line of 20 MB is skipped, one of 15 MB is read", "[netwindow]") {
  Options options;
  options.by = "pair";
  const std::string good = packet(kT, "10.0.0.1", "10.0.0.2");
  const auto padded = [](size_t size) {
    return packet(kT, "10.0.0.1", "10.0.0.2", ",\"pad\":\"" + std::string(size, 'x') + "\"");
  };
  const Ran ran = run_on(
      options, good + padded(20'000'000) + good + padded(15'000'000) + good.substr(0, good.size() - 1));
  CHECK(ran.exit == base::Exit::failed);
  CHECK(ran.of("window").at(0).at("packets") == 4);
  CHECK(lines_with(ran.log, "stdin:2: longer than 16 MiB") == 1);
}

TEST_CASE("the default key is client as soon as a packet has dir, else pair", "[netwindow]") {
  const std::string plain = packet(kT, "10.0.0.1", "192.0.2.1");
  const std::string in = packet(kT, "192.0.2.1", "10.0.0.1", ",\"dir\":\"in\"");
  const Ran pair = run_on({}, plain + plain);
  CHECK(pair.of("window").at(0).at("pair") == json{"10.0.0.1", "192.0.2.1"});
  CHECK_FALSE(pair.of("window").at(0).contains("in_bytes"));
  CHECK(lines_with(pair.log, "keys are pair") == 1);
  const Ran client = run_on({}, R"({"type":"packet","len":60,"proto":"arp","ts":"2026-01-01T00:00:01Z"})"
                                "\n" +
                                    plain + in);
  CHECK(client.of("window").at(0).at("client") == "192.0.2.1");
  CHECK(client.of("window").at(0).at("in_packets") == 1);
  CHECK(client.of("window_total").at(0).at("unkeyed_packets") == 2);
  CHECK(lines_with(client.log, "keys are client") == 1);
  // A packet of a later window decides for those of the first.
  const Ran later = run_on({}, plain + packet("2026-01-01T00:00:31.000000Z", "10.0.0.1", "192.0.2.1") + in);
  CHECK(later.of("window").at(0).contains("pair"));
}

TEST_CASE("the service port is told by a SYN, from there on and in this window", "[netwindow]") {
  Options options;
  options.by = "none";
  const auto tcp = [](const char* src, int from, int to, const char* flags) {
    return packet(kT, src, std::string(src) == "10.0.0.1" ? "10.0.0.2" : "10.0.0.1",
                  ",\"proto\":\"tcp\",\"src_port\":" + std::to_string(from) +
                      ",\"dst_port\":" + std::to_string(to) + ",\"tcp_flags\":\"" + flags + "\"");
  };
  const auto port_of = [&](const std::string& input) {
    return run_on(options, input).of("window").at(0).at("protocols").at(0).at("port").get<int>();
  };
  CHECK(port_of(tcp("10.0.0.1", 40001, 50001, "A")) == 40001);
  CHECK(port_of(tcp("10.0.0.1", 40001, 443, "A")) == 443);
  const std::string syn = tcp("10.0.0.1", 40001, 50001, "S");
  const json window =
      run_on(options, syn + tcp("10.0.0.2", 50001, 40001, "SA") + tcp("10.0.0.1", 40001, 50001, "A"))
          .of("window")
          .at(0);
  CHECK(window.at("protocols") == json::parse(R"([{"proto":"tcp","port":50001,"bytes":300}])"));
  CHECK(window.at("flows") == 1);
}

TEST_CASE("an upstream's own records are understood", "[netwindow]") {
  Options options;
  options.by = "pair";
  const std::string meta =
      R"({"type":"meta","ts":"2026-01-01T00:00:00Z","tool":"netsniff","version":"0","source":[],"options":[]})"
      "\n";
  const std::string input = meta + packet(kT, "10.0.0.1", "10.0.0.2") +
                            R"({"type":"stats","records":1,"lost":5})"
                            "\n" +
                            packet("2026-01-01T00:00:11.000000Z", "10.0.0.1", "10.0.0.2") +
                            R"({"type":"something","new":[1]})"
                            "\n" +
                            R"({"type":"end","lost":7})"
                            "\n";
  const Ran ran = run_on(options, input);
  CHECK(ran.exit == base::Exit::ok);
  REQUIRE(ran.of("window_total").size() == 2);
  CHECK(ran.of("window_total")[0].at("lost") == 5);
  CHECK(ran.of("window_total")[1].at("lost") == 2);
  options.sums = {"len"};
  options.by = "";
  const Ran generic = run_on(options, input);
  CHECK(generic.of("window_total")[0].at("lost") == 5);
  CHECK(generic.of("window_total")[0].at("count") == 1);
  const Ran without = run_on(options, packet(kT, "10.0.0.1", "10.0.0.2"));
  CHECK_FALSE(without.of("window_total").at(0).contains("lost"));
}

TEST_CASE("what cannot be right is told", "[netwindow]") {
  CHECK(lines_with(run_on({}, "{\"a\":1}\n{\"type\":\"x\"}\n").log, "no packet records, 2 others") == 1);
  const Ran late =
      run_on({}, packet("2026-01-01T00:00:31Z", "10.0.0.1", "10.0.0.2") + packet(kT, "10.0.0.1", "10.0.0.2"));
  CHECK(late.exit == base::Exit::ok);
  CHECK(lines_with(late.log, "1 of 2 records were late") == 1);
  CHECK(late.of("window_total").at(0).at("late_packets") == 1);
}

TEST_CASE("what comes after the last window is told by a total without a time", "[netwindow]") {
  Options options;
  options.by = "pair";
  const Ran ran = run_on(options, R"({"type":"packet","len":70})"
                                  "\n");
  REQUIRE(ran.records.size() == 1);
  CHECK(ran.records[0].at("type") == "window_total");
  CHECK_FALSE(ran.records[0].contains("ts"));
  CHECK(ran.records[0].at("untimed_bytes") == 70);
  CHECK(run_on(options, "").records.empty());
}

TEST_CASE("records of web servers and of Suricata", "[netwindow]") {
  Options options;
  options.time = "timestamp";
  options.sums = {"flow.bytes_toserver", "size"};
  options.by = "event_type";
  options.window = 3600 * base::kSecond;
  const Ran ran = run_on(
      options,
      R"({"timestamp":"2017-07-18T15:18:54.370011+0000","event_type":"flow","flow":{"bytes_toserver":100},"size":"-"})"
      "\n"
      R"({"timestamp":"2017-07-18T17:18:54.370011+0200","event_type":"flow","flow":{"bytes_toserver":1.5},"size":"20"})"
      "\n"
      R"({"timestamp":"2017-07-18T15:20:00+00:00","event_type":"http","size":""})"
      "\n"
      R"({"timestamp":1500391200.25,"event_type":"http","size":null})"
      "\n"
      R"({"event_type":"http"})"
      "\n");
  REQUIRE(ran.exit == base::Exit::ok);
  REQUIRE(ran.of("window").size() == 2);
  CHECK(ran.of("window")[0].at("event_type") == "flow");
  CHECK(ran.of("window")[0].at("sum_flow_bytes_toserver") == 101.5);
  CHECK(ran.of("window")[0].at("sum_size") == 20);
  CHECK(ran.of("window")[0].at("first") == "2017-07-18T15:18:54.370011Z");
  CHECK(ran.of("window")[1].at("count") == 2);
  CHECK(ran.of("window_total")[0].at("untimed_count") == 1);
}

TEST_CASE("nonsense on the command line is refused before anything is read", "[netwindow]") {
  std::vector<Options> all(6);
  all[0].sort = "nothing";
  all[1].window = 0;
  all[2].by = "src_ip/999";
  all[3].table = all[3].whole = true;
  all[4].table = all[4].meta = true;
  all[5].sums = {"a.b", "a_b"};
  for (const Options& options : all) CHECK(run_on(options, "x\n").exit == base::Exit::usage);
}

TEST_CASE("windows: --sort orders by other counts, and by key where they are equal", "[netwindow]") {
  Options options;
  options.by = "src_ip";
  options.sort = "packets";
  const std::string input = packet(kT, "10.0.0.3", "10.0.0.9") + packet(kT, "10.0.0.2", "10.0.0.9") +
                            packet(kT, "10.0.0.1", "10.0.0.9") + packet(kT, "10.0.0.2", "10.0.0.9");
  std::string order;
  for (const json& window : run_on(options, input).of("window"))
    order += window.at("src_ip").get<std::string>().back();
  CHECK(order == "213");
  options.whole = true;
  const Ran whole = run_on(options, input);
  REQUIRE(whole.records.size() == 1);
  CHECK(whole.records[0].at("windows").at(0).at("src_ip") == "10.0.0.2");
  CHECK(whole.records[0].at("keys") == 3);
}
