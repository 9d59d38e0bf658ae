#include "tools/wsbridge/api/metrics.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "libcommon/base/time.h"

namespace wl::wsbridge::api {
namespace {

constexpr std::array<std::string_view, 5> kStates{"idle", "running", "waiting", "ended", "failed"};

std::string_view state_name(stream::FeedState state) { return kStates[static_cast<size_t>(state)]; }

std::string number(double value) {
  std::array<char, 32> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

double seconds(int64_t ns) { return static_cast<double>(ns) / base::kSecond; }

void write_process(OpenMetrics& out, int64_t started_ns) {
  uint64_t pages = 0;
  std::ifstream("/proc/self/statm").ignore(64, ' ') >> pages;
  std::error_code error;
  const std::filesystem::directory_iterator open("/proc/self/fd", error);
  std::timespec cpu{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
  out.family("process_resident_memory_bytes", "gauge", "Memory held.");
  out.sample(static_cast<double>(pages) * static_cast<double>(::sysconf(_SC_PAGESIZE)));
  out.family("process_open_fds", "gauge", "Open descriptors.");
  out.sample(static_cast<double>(std::distance(begin(open), end(open))));
  out.family("process_cpu_seconds", "counter", "CPU time used.");
  out.sample(static_cast<double>(cpu.tv_sec) + seconds(cpu.tv_nsec));
  out.family("process_start_time_seconds", "gauge", "When it started, since 1970.");
  out.sample(seconds(started_ns));
}

}  // namespace

void Histogram::observe(double value) {
  const auto place = std::lower_bound(kBounds.begin(), kBounds.end(), value) - kBounds.begin();
  ++counts_[static_cast<size_t>(place)];
  sum_ += value;
}

void OpenMetrics::family(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  counter_ = type == "counter";
  text_.append("# TYPE ").append(name).append(" ").append(type);
  for (const std::string_view unit : {"seconds", "bytes"}) {
    if (name.ends_with(unit)) text_.append("\n# UNIT ").append(name).append(" ").append(unit);
  }
  text_.append("\n# HELP ").append(name).append(" ").append(help).append("\n");
}

void OpenMetrics::line(std::string_view suffix, Labels labels, double value) {
  text_.append(name_).append(suffix);
  char before = '{';
  for (const auto& [label, text] : labels) {
    text_ += std::exchange(before, ',');
    text_.append(label).append("=\"");
    for (const char c : text) {
      if (c == '\\' || c == '"' || c == '\n') text_ += '\\';
      text_ += c == '\n' ? 'n' : c;
    }
    text_ += '"';
  }
  text_.append(before == ',' ? "} " : " ").append(number(value)).append("\n");
}

void OpenMetrics::sample(double value, Labels labels) { line(counter_ ? "_total" : "", labels, value); }

void OpenMetrics::sample(const Histogram& histogram) {
  uint64_t count = 0;
  for (size_t i = 0; i < histogram.counts_.size(); ++i) {
    count += histogram.counts_[i];
    std::string bound = i == Histogram::kBounds.size() ? "+Inf" : number(Histogram::kBounds[i]);
    if (bound.find_first_of(".I") == bound.npos) bound += ".0";
    line("_bucket", {{"le", bound}}, static_cast<double>(count));
  }
  line("_count", {}, static_cast<double>(count));
  line("_sum", {}, histogram.sum_);
}

std::string OpenMetrics::finish() && { return std::move(text_) + "# EOF\n"; }

std::string metrics_text(const Figures& figures) {
  OpenMetrics out;
  const auto one = [&](std::string_view name, std::string_view type, std::string_view help, uint64_t value) {
    out.family(name, type, help);
    out.sample(static_cast<double>(value));
  };
  /// A metric with a sample for each of `all`: its name, and what `value` finds in its counts.
  const auto each = [&](std::string_view name, std::string_view type, std::string_view help,
                        std::string_view label, const auto& all, auto value) {
    out.family(name, type, help);
    for (const auto& [key, counts] : all) out.sample(static_cast<double>(value(counts)), {{label, key}});
  };
  one("wsbridge_http_connections", "gauge", "Connections that are open.", figures.http.connections);
  one("wsbridge_http_accepted", "counter", "Connections accepted.", figures.http.accepted);
  one("wsbridge_http_refused", "counter", "Connections turned away.", figures.http.refused);
  out.family("wsbridge_http_answers", "counter", "Answers by the class of their status.");
  for (size_t i = 1; i < figures.http.answers.size(); ++i) {
    out.sample(static_cast<double>(figures.http.answers[i]), {{"status", std::to_string(i) + "xx"}});
  }
  one("wsbridge_http_sent_bytes", "counter", "Bytes of answers.", figures.http.bytes_out);
  out.family("wsbridge_http_answer_seconds", "histogram", "Time from a request's head to its answer.");
  out.sample(figures.answer_seconds);
  one("wsbridge_rate_limited", "counter", "Requests refused by a rate class.", figures.rate_limited);

  using stream::FeedCounts;
  const auto& streams = figures.streams;
  each("wsbridge_stream_records", "counter", "Records read.", "stream", streams,
       std::mem_fn(&FeedCounts::records));
  each("wsbridge_stream_bytes", "counter", "Bytes read.", "stream", streams, std::mem_fn(&FeedCounts::bytes));
  each("wsbridge_stream_skipped", "counter", "Lines that were no JSON object.", "stream", streams,
       std::mem_fn(&FeedCounts::skipped));
  each("wsbridge_stream_restarts", "counter", "Starts after the first.", "stream", streams,
       std::mem_fn(&FeedCounts::restarts));
  each("wsbridge_stream_running", "gauge", "1 while its command runs.", "stream", streams,
       [](const FeedCounts& counts) { return counts.state == stream::FeedState::running ? 1 : 0; });
  each("wsbridge_stream_last_record_time_seconds", "gauge", "When its newest record came; 0: none.", "stream",
       streams, [](const FeedCounts& counts) { return seconds(counts.last_ns); });

  using worker::PoolCounts;
  const auto& workers = figures.workers;
  each("wsbridge_worker_calls", "counter", "Calls.", "worker", workers, std::mem_fn(&PoolCounts::calls));
  each("wsbridge_worker_failed", "counter", "Calls that failed.", "worker", workers,
       std::mem_fn(&PoolCounts::failed));
  each("wsbridge_worker_timeouts", "counter", "Calls that took too long.", "worker", workers,
       std::mem_fn(&PoolCounts::timeouts));
  each("wsbridge_worker_refused", "counter", "Calls refused, the queue being full.", "worker", workers,
       std::mem_fn(&PoolCounts::refused));
  each("wsbridge_worker_restarts", "counter", "Processes replaced.", "worker", workers,
       std::mem_fn(&PoolCounts::restarts));
  each("wsbridge_worker_busy", "gauge", "Calls under way.", "worker", workers,
       std::mem_fn(&PoolCounts::busy));
  each("wsbridge_worker_waiting", "gauge", "Calls that wait.", "worker", workers,
       std::mem_fn(&PoolCounts::waiting));

  std::vector<std::pair<std::string, SocketFigures>> sockets;
  for (const SocketFigures& socket : figures.sockets) sockets.emplace_back(socket.path, socket);
  using S = SocketFigures;
  each("wsbridge_socket_active", "gauge", "Clients connected.", "socket", sockets, std::mem_fn(&S::active));
  each("wsbridge_socket_opened", "counter", "Clients ever connected.", "socket", sockets,
       std::mem_fn(&S::opened));
  each("wsbridge_socket_messages", "counter", "Messages sent.", "socket", sockets, std::mem_fn(&S::messages));
  each("wsbridge_socket_bytes", "counter", "Bytes sent.", "socket", sockets, std::mem_fn(&S::bytes));
  each("wsbridge_socket_received", "counter", "Messages received.", "socket", sockets,
       std::mem_fn(&S::received));
  each("wsbridge_socket_dropped", "counter", "Messages that slow clients lost.", "socket", sockets,
       std::mem_fn(&S::dropped));
  each("wsbridge_socket_conflated", "counter", "Messages replaced by newer ones.", "socket", sockets,
       std::mem_fn(&S::conflated));
  each("wsbridge_socket_cut", "counter", "Clients cut off for slowness.", "socket", sockets,
       std::mem_fn(&S::cut));

  one("wsbridge_cache_hits", "counter", "Answers found in the cache.", figures.cache.hits);
  one("wsbridge_cache_misses", "counter", "Answers made for the cache.", figures.cache.misses);
  one("wsbridge_cache_entries", "gauge", "Answers in the cache.", figures.cache.entries);
  one("wsbridge_cache_bytes", "gauge", "Memory of the cache.", figures.cache.bytes);
  write_process(out, figures.started_ns);
  return std::move(out).finish();
}

std::string socket_statistics(const std::vector<SocketFigures>& sockets) {
  SocketFigures sum;
  auto by_socket = nlohmann::ordered_json::object();
  for (const SocketFigures& socket : sockets) {
    sum.active += socket.active;
    sum.messages += socket.messages;
    sum.dropped += socket.dropped;
    sum.conflated += socket.conflated;
    by_socket[socket.path] = {{"active_connections", socket.active},
                              {"messages_sent", socket.messages},
                              {"dropped", socket.dropped},
                              {"conflated", socket.conflated}};
  }
  return nlohmann::ordered_json{{"active_connections", sum.active},
                                {"by_socket", by_socket},
                                {"messages_sent", sum.messages},
                                {"dropped", sum.dropped},
                                {"conflated", sum.conflated}}
      .dump();
}

std::string streams_list(const std::vector<std::pair<std::string, stream::FeedCounts>>& streams) {
  auto list = nlohmann::ordered_json::array();
  for (const auto& [name, counts] : streams) {
    list.push_back({{"name", name}, {"state", state_name(counts.state)}, {"records", counts.records}});
    if (counts.last_ns != 0) list.back()["last"] = base::rfc3339(counts.last_ns, 6);
  }
  return list.dump();
}

std::string health_body(int64_t started_ns, const std::vector<Check>& checks) {
  auto states = nlohmann::ordered_json::object();
  for (const Check& check : checks) states[check.name] = check.state;
  const bool ready = std::ranges::all_of(checks, &Check::ready);
  const double uptime = std::round(seconds(base::wall_clock_ns() - started_ns) * 1e3) / 1e3;
  return nlohmann::ordered_json{
      {"status", ready ? "ok" : "not ready"}, {"uptime", uptime}, {"checks", states}}
      .dump();
}

}  // namespace wl::wsbridge::api
