// OpenMetrics text, read back by its grammar; health; statistics; the built-in pages.
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tools/wsbridge/api/site.h"
#include "tools/wsbridge/http/files.h"

using namespace wl::wsbridge;

namespace {

/// Samples by name and labels. Fails where the text is not as OpenMetrics 1.0 has it.
std::map<std::string, double> read_back(const std::string& text) {
  static const std::regex kMeta(R"re(# (TYPE|HELP|UNIT) ([a-z_]+) (.+))re");
  static const std::regex kSample(
      R"re(([a-z_]+)(\{[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"(?:,[a-z_]+="(?:[^"\\\n]|\\[\\"n])*")*\})? ([-+.e0-9]+))re");
  std::map<std::string, double> samples;
  std::set<std::string> families;
  std::string family;
  std::string type;
  std::istringstream lines(text);
  std::string line;
  bool ended = false;
  while (std::getline(lines, line)) {
    INFO(line);
    REQUIRE(!ended);
    std::smatch match;
    if (line == "# EOF") {
      ended = true;
    } else if (std::regex_match(line, match, kMeta)) {
      if (match[1] == "TYPE") {
        family = match[2];
        type = match[3];
        REQUIRE(families.insert(family).second);
      }
      REQUIRE(match[2] == family);
      if (match[1] == "UNIT") REQUIRE(family.ends_with("_" + match[3].str()));
    } else {
      REQUIRE(std::regex_match(line, match, kSample));
      const std::string suffix = match[1].str().substr(family.size());
      REQUIRE(match[1].str().starts_with(family));
      REQUIRE(suffix == (type == "counter" ? "_total" : type == "gauge" ? "" : suffix));
      REQUIRE(samples.emplace(match[1].str() + match[2].str(), std::stod(match[3])).second);
    }
  }
  REQUIRE(ended);
  REQUIRE(text.ends_with("# EOF\n"));
  return samples;
}

/// What is said of a report.
std::string told(const std::string& name, const nlohmann::json& report) {
  auto program = api::report_program(name);
  std::string text;
  REQUIRE(program.run(report.dump(), [&](std::string_view result) { text = result; }));
  return name == "metrics" ? nlohmann::json::parse(text).get<std::string>() : text;
}

/// A report of a bridge that has nothing to do.
nlohmann::json quiet() {
  return nlohmann::json::parse(R"({"uptime": 5,
    "http": {"connections": 0, "accepted": 0, "refused": 0, "sent_bytes": 0, "rate_limited": 0,
             "answer_seconds": {"buckets": {"+Inf": 0}, "count": 0, "sum": 0}},
    "answers": {}, "streams": {}, "workers": {}, "sockets": {},
    "cache": {"entries": 0, "bytes": 0, "by_route": {}},
    "process": {"resident_memory_bytes": 0, "open_fds": 0, "cpu_seconds": 0, "start_time_seconds": 0}})");
}

std::string body_of(const http::Response& response) { return std::get<std::string>(response.body); }

std::string header(const http::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

}  // namespace

TEST_CASE("the bridge's metrics are OpenMetrics", "[wsbridge]") {
  nlohmann::json report = quiet();
  report["http"]["accepted"] = 9'007'199'254'740'991;
  report["http"]["answer_seconds"] = {
      {"buckets", {{"0.001", 2}, {"30.0", 3}, {"+Inf", 4}}}, {"count", 4}, {"sum", 100.2015}};
  report["answers"] = {{"1xx", 0}, {"2xx", 5}};
  report["streams"]["a \"quoted\" \\ name\nof two lines"] = {{"records", 7}, {"running", 1}};
  report["streams"]["b"] = {{"records", 0}, {"running", 0}};
  report["workers"]["w"] = {{"busy", 2}};
  report["sockets"]["/ws/x"] = {{"messages", 12}};
  report["process"]["start_time_seconds"] = 1795197770.123456;
  for (const auto& row : nlohmann::json::parse(api::embedded("metrics.json"))) {
    if (row.size() < 6 || row[4].is_null()) continue;
    for (auto& one : report[row[3].get<std::string>()]) one.emplace(row[4].get<std::string>(), 0);
  }
  const std::string text = told("metrics", report);
  std::map<std::string, double> samples = read_back(text);
  REQUIRE(samples["wsbridge_http_accepted_total"] == 9'007'199'254'740'991.0);
  REQUIRE(samples["wsbridge_http_answers_total{status=\"2xx\"}"] == 5);
  REQUIRE(samples["wsbridge_http_answer_seconds_bucket{le=\"0.001\"}"] == 2);
  REQUIRE(samples["wsbridge_http_answer_seconds_bucket{le=\"30.0\"}"] == 3);
  REQUIRE(samples["wsbridge_http_answer_seconds_bucket{le=\"+Inf\"}"] == 4);
  REQUIRE(samples["wsbridge_http_answer_seconds_count"] == 4);
  REQUIRE(samples["wsbridge_http_answer_seconds_sum"] == Approx(100.2015));
  REQUIRE(samples["wsbridge_stream_records_total{stream=\"a \\\"quoted\\\" \\\\ name\\nof two lines\"}"] ==
          7);
  REQUIRE(samples["wsbridge_stream_running{stream=\"b\"}"] == 0);
  REQUIRE(samples["wsbridge_worker_busy{worker=\"w\"}"] == 2);
  REQUIRE(samples["wsbridge_socket_messages_total{socket=\"/ws/x\"}"] == 12);
  REQUIRE(samples["wsbridge_cache_hits_total"] == 0);
  REQUIRE(samples["process_start_time_seconds"] == Approx(1795197770.123456));
}

TEST_CASE("health says what is not ready", "[wsbridge]") {
  nlohmann::json report = quiet();
  report["streams"] = {{"a", {{"state", "running"}}}, {"b", {{"state", "ended"}}}};
  const auto good = nlohmann::json::parse(told("health", report));
  REQUIRE(good ==
          nlohmann::json::parse(R"({"status":"ok","uptime":5,"checks":{"stream a":"ok","stream b":"ok"}})"));
  report["streams"]["b"]["state"] = "failed";
  const auto bad = nlohmann::json::parse(told("health", report));
  REQUIRE(bad["status"] == "not ready");
  REQUIRE(bad["checks"]["stream b"] == "failed");
  REQUIRE(told("health", report).starts_with(R"({"status":)"));
}

TEST_CASE("statistics of sockets and the cache add up", "[wsbridge]") {
  nlohmann::json report = quiet();
  report["sockets"]["/ws/a"] = {{"active", 2}, {"messages", 10}, {"dropped", 1}, {"conflated", 0}};
  report["sockets"]["/ws/b"] = {{"active", 1}, {"messages", 0}, {"dropped", 0}, {"conflated", 4}};
  const auto all = nlohmann::json::parse(told("websocket_stats", report));
  REQUIRE(all["active_connections"] == 3);
  REQUIRE(all["messages_sent"] == 10);
  REQUIRE(all["dropped"] == 1);
  REQUIRE(all["conflated"] == 4);
  REQUIRE(all["by_socket"]["/ws/a"]["active_connections"] == 2);
  REQUIRE(nlohmann::json::parse(told("websocket_stats", quiet()))["messages_sent"] == 0);

  REQUIRE(nlohmann::json::parse(told("cache_statistics", report))["hit_rate"] == 0);
  report["cache"] = nlohmann::json::parse(R"({"entries": 2, "bytes": 1000, "by_route": {
    "GET /x": {"hits": 1, "misses": 1}, "GET /y": {"hits": 99, "misses": 1}}})");
  const auto cache = nlohmann::json::parse(told("cache_statistics", report));
  REQUIRE(cache["hit_rate"] == 0.9804);
  REQUIRE(cache["entries"] == 2);
  REQUIRE(cache["by_route"]["GET /x"]["hit_rate"] == 0.5);
}

TEST_CASE("streams are listed with their state", "[wsbridge]") {
  nlohmann::json report = quiet();
  report["streams"]["a"] = {{"state", "ended"}, {"records", 2}, {"last", "1970-01-01T00:00:00.000000Z"}};
  report["streams"]["b"] = {{"state", "idle"}, {"records", 0}};
  REQUIRE(told("streams", report) ==
          R"([{"name":"a","state":"ended","records":2,"last":"1970-01-01T00:00:00.000000Z"},)"
          R"({"name":"b","state":"idle","records":0}])");
}

TEST_CASE("the built-in pages load nothing from elsewhere and have no script inside", "[wsbridge]") {
  const std::regex foreign(R"re((?:src|href|url)\s*[=(]\s*["']?(?:https?:)?//)re");
  const std::regex inside(R"re(<script(?![^>]*\bsrc=)|<style|\son[a-z]+=|\sstyle=|javascript:)re");
  for (const char* path : {"/", "/setup", "/docs", "/redoc"}) {
    INFO(path);
    const auto response = http::page({.path = path});
    REQUIRE(response);
    REQUIRE(header(*response, "Content-Type") == "text/html; charset=utf-8");
    REQUIRE(header(*response, "Content-Security-Policy").starts_with("default-src 'self'"));
    const std::string html = body_of(*response);
    REQUIRE(html.ends_with("</html>\n"));
    REQUIRE(!std::regex_search(html, foreign));
    REQUIRE(!std::regex_search(html, inside));
    const std::regex link(R"re((?:src|href)="(/_/[^"]+)")re");
    for (std::sregex_iterator at(html.begin(), html.end(), link), end; at != end; ++at) {
      const std::string file = (*at)[1];
      INFO(file);
      if (!file.starts_with("/_/docs/")) REQUIRE(http::page({.path = file}));
    }
  }
  REQUIRE(header(*http::page({.path = "/"}), "Content-Security-Policy").find("unsafe") == std::string::npos);
  REQUIRE(header(*http::page({.path = "/_/app.js"}), "Content-Type") == "text/javascript; charset=utf-8");
  for (const char* path :
       {"/x", "/_/", "/_/x", "/_/../app.js", "/_/docs/", "/_/docs/../docs.html", "/_/docs/LICENSE"}) {
    INFO(path);
    REQUIRE(!http::page({.path = path}));
  }
}
