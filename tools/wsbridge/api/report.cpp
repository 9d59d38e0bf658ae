// What the bridge says of itself: figures here, their forms in report.jq.
#include <algorithm>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "tools/wsbridge/api/site.h"

namespace wl::wsbridge::api {
namespace {

using Json = nlohmann::ordered_json;

/// Of the times to answer, in seconds, by answered_; the last one counts what took longer.
constexpr std::array<double, 9> kBounds{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30};

double seconds(int64_t ns) { return static_cast<double>(ns) / base::kSecond; }

Json figures(const stream::FeedCounts& counts) {
  constexpr std::array<const char*, 5> kStates{"idle", "running", "waiting", "ended", "failed"};
  Json made{{"state", kStates[static_cast<size_t>(counts.state)]},
            {"running", counts.state == stream::FeedState::running ? 1 : 0},
            {"records", counts.records},
            {"bytes", counts.bytes},
            {"skipped", counts.skipped},
            {"restarts", counts.restarts},
            {"last_record_time_seconds", seconds(counts.last_ns)}};
  if (counts.last_ns != 0) made["last"] = base::rfc3339(counts.last_ns, 6);
  return made;
}

Json figures(const worker::PoolCounts& counts) {
  return {{"calls", counts.calls},     {"failed", counts.failed},     {"timeouts", counts.timeouts},
          {"refused", counts.refused}, {"restarts", counts.restarts}, {"busy", counts.busy},
          {"waiting", counts.waiting}};
}

Json figures(const websocket::SocketCounts& counts) {
  return {{"active", counts.active},       {"opened", counts.opened},
          {"messages", counts.messages},   {"bytes", counts.bytes},
          {"received", counts.received},   {"dropped", counts.dropped},
          {"conflated", counts.conflated}, {"cut", counts.cut}};
}

Json process_figures(int64_t started_ns) {
  uint64_t pages = 0;
  std::ifstream("/proc/self/statm").ignore(64, ' ') >> pages;
  std::error_code error;
  const std::filesystem::directory_iterator open("/proc/self/fd", error);
  std::timespec cpu{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
  return {{"resident_memory_bytes", pages * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE))},
          {"open_fds", std::distance(begin(open), end(open))},
          {"cpu_seconds", static_cast<double>(cpu.tv_sec) + seconds(cpu.tv_nsec)},
          {"start_time_seconds", seconds(started_ns)}};
}

}  // namespace

shape::Program report_program(const std::string& name) {
  return shape::Program::compile(std::string(embedded("report.jq")) + name,
                                 {{"metrics", std::string(embedded("metrics.json"))}})
      .value();
}

void Site::count(int64_t taken_ns) {
  ++answered_[static_cast<size_t>(std::ranges::lower_bound(kBounds, seconds(taken_ns)) - kBounds.begin())];
  answer_seconds_ += seconds(taken_ns);
}

std::string Site::report() const {
  Json within = Json::object();
  uint64_t answered = 0;
  for (size_t i = 0; i < answered_.size(); ++i)
    within[i < kBounds.size() ? Json(kBounds[i]).dump() : "+Inf"] = answered += answered_[i];
  const http::ServerCounts& http = *served;
  Json made{{"uptime", std::round(seconds(base::wall_clock_ns() - started_ns_) * 1e3) / 1e3},
            {"cache", {{"entries", answers_.cache().entries()}, {"bytes", answers_.cache().bytes()}}},
            {"process", process_figures(started_ns_)}};
  made["http"] = {{"connections", http.connections},
                  {"accepted", http.accepted},
                  {"refused", http.refused},
                  {"sent_bytes", http.bytes_out},
                  {"rate_limited", limiter_.refused()},
                  {"answer_seconds", {{"buckets", within}, {"count", answered}, {"sum", answer_seconds_}}}};
  for (const char* all : {"answers", "streams", "workers", "sockets"}) made[all] = Json::object();
  for (size_t i = 1; i < http.answers.size(); ++i)
    made["answers"][std::to_string(i) + "xx"] = http.answers[i];
  for (const auto& [name, feed] : answers_.feeds()) made["streams"][name] = figures(feed->counts());
  for (const auto& [name, pool] : answers_.pools()) made["workers"][name] = figures(pool->counts());
  made["cache"]["by_route"] = Json::object();
  for (const auto& [route, counts] : answers_.cache().by_route())
    made["cache"]["by_route"][route] = {{"hits", counts.hits}, {"misses", counts.misses}};
  for (const auto& [path, socket] : sockets_) made["sockets"][path] = figures(socket->counts());
  return made.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<std::string> Site::tell(const std::string& name) {
  const auto program = programs_.find(name);
  if (program == programs_.end()) return std::nullopt;
  std::string text = "null";
  const auto done = program->second.run(report(), [&](std::string_view result) { text = result; });
  if (!done) log_.warning(name + ": " + done.error().line());
  return text;
}

http::Response Site::metrics() {
  const char* const type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
  const auto text = nlohmann::json::parse(tell("metrics").value_or("null"), nullptr, false);
  return {.headers = {{"Content-Type", type}, {"Cache-Control", "no-store"}},
          .body = text.is_string() ? text.get<std::string>() : ""};
}

}  // namespace wl::wsbridge::api
