// OpenMetrics text, read back by its grammar; health; statistics; the built-in pages.
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "libcommon/base/time.h"
#include "tools/wsbridge/api/metrics.h"
#include "tools/wsbridge/api/pages.h"

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

std::string body_of(const http::Response& response) { return std::get<std::string>(response.body); }

std::string header(const http::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

}  // namespace

TEST_CASE("the bridge's metrics are OpenMetrics", "[wsbridge]") {
  api::Figures figures;
  figures.started_ns = wl::base::wall_clock_ns();
  figures.http.accepted = 9'007'199'254'740'991;
  figures.http.answers[2] = 5;
  figures.answer_seconds.observe(0.0005);
  figures.answer_seconds.observe(0.001);
  figures.answer_seconds.observe(0.2);
  figures.answer_seconds.observe(100);
  figures.streams.emplace_back("a \"quoted\" \\ name\nof two lines",
                               stream::FeedCounts{.records = 7, .state = stream::FeedState::running});
  figures.streams.emplace_back("b", stream::FeedCounts{});
  figures.workers.emplace_back("w", worker::PoolCounts{.calls = 3, .busy = 2});
  figures.sockets.push_back({.path = "/ws/x", .active = 1, .messages = 12});
  figures.cache.hits = 4;
  const std::string text = api::metrics_text(figures);
  std::map<std::string, double> samples = read_back(text);
  REQUIRE(samples["wsbridge_http_accepted_total"] == 9'007'199'254'740'991.0);
  REQUIRE(samples["wsbridge_http_answers_total{status=\"2xx\"}"] == 5);
  REQUIRE(samples["wsbridge_http_answer_seconds_bucket{le=\"0.001\"}"] == 2);
  REQUIRE(samples["wsbridge_http_answer_seconds_bucket{le=\"0.5\"}"] == 3);
  REQUIRE(samples["wsbridge_http_answer_seconds_bucket{le=\"30.0\"}"] == 3);
  REQUIRE(samples["wsbridge_http_answer_seconds_bucket{le=\"+Inf\"}"] == 4);
  REQUIRE(samples["wsbridge_http_answer_seconds_count"] == 4);
  REQUIRE(samples["wsbridge_http_answer_seconds_sum"] == Approx(100.2015));
  REQUIRE(samples["wsbridge_stream_records_total{stream=\"a \\\"quoted\\\" \\\\ name\\nof two lines\"}"] ==
          7);
  REQUIRE(samples["wsbridge_stream_running{stream=\"b\"}"] == 0);
  REQUIRE(samples["wsbridge_worker_busy{worker=\"w\"}"] == 2);
  REQUIRE(samples["wsbridge_socket_messages_total{socket=\"/ws/x\"}"] == 12);
  REQUIRE(samples["wsbridge_cache_hits_total"] == 4);
  REQUIRE(samples["process_resident_memory_bytes"] > 1e6);
  REQUIRE(samples["process_open_fds"] >= 3);
  REQUIRE(samples["process_start_time_seconds"] > 1.7e9);
}

TEST_CASE("health says what is not ready", "[wsbridge]") {
  const int64_t started = wl::base::wall_clock_ns() - 5 * wl::base::kSecond;
  const auto good = nlohmann::json::parse(api::health_body(started, {{"catalog"}, {"redis", "gone", true}}));
  REQUIRE(good["status"] == "ok");
  REQUIRE(good["uptime"] == Approx(5).margin(0.5));
  REQUIRE(good["checks"]["redis"] == "gone");
  const auto bad = nlohmann::json::parse(api::health_body(started, {{"catalog", "locked", false}}));
  REQUIRE(bad["status"] == "not ready");
}

TEST_CASE("statistics of sockets add up", "[wsbridge]") {
  const auto all = nlohmann::json::parse(
      api::socket_statistics({{.path = "/ws/a", .active = 2, .messages = 10, .dropped = 1},
                              {.path = "/ws/b", .active = 1, .conflated = 4}}));
  REQUIRE(all["active_connections"] == 3);
  REQUIRE(all["messages_sent"] == 10);
  REQUIRE(all["dropped"] == 1);
  REQUIRE(all["conflated"] == 4);
  REQUIRE(all["by_socket"]["/ws/a"]["active_connections"] == 2);
}

TEST_CASE("streams are listed with their state", "[wsbridge]") {
  const auto list = nlohmann::json::parse(
      api::streams_list({{"a", {.records = 2, .last_ns = 1, .state = stream::FeedState::ended}}, {"b", {}}}));
  REQUIRE(list[0]["name"] == "a");
  REQUIRE(list[0]["state"] == "ended");
  REQUIRE(list[0]["last"] == "1970-01-01T00:00:00.000000Z");
  REQUIRE(!list[1].contains("last"));
}

TEST_CASE("the built-in pages load nothing from elsewhere and have no script inside", "[wsbridge]") {
  const std::regex foreign(R"re((?:src|href|url)\s*[=(]\s*["']?(?:https?:)?//)re");
  const std::regex inside(R"re(<script(?![^>]*\bsrc=)|<style|\son[a-z]+=|\sstyle=|javascript:)re");
  for (const char* path : {"/", "/setup", "/docs", "/redoc"}) {
    INFO(path);
    const auto response = api::page(path);
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
      if (!file.starts_with("/_/docs/")) REQUIRE(api::page(file));
    }
  }
  REQUIRE(header(*api::page("/"), "Content-Security-Policy").find("unsafe") == std::string::npos);
  REQUIRE(header(*api::page("/_/app.js"), "Content-Type") == "text/javascript; charset=utf-8");
  for (const char* path :
       {"/x", "/_/", "/_/x", "/_/../app.js", "/_/docs/", "/_/docs/../docs.html", "/_/docs/LICENSE"}) {
    INFO(path);
    REQUIRE(!api::page(path));
  }
}
