#pragma once
// What the bridge says of itself: /metrics (OpenMetrics 1.0), /health, /streams, socket statistics (M24).
#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tools/wsbridge/api/cache.h"
#include "tools/wsbridge/http/server.h"
#include "tools/wsbridge/stream/feed.h"
#include "tools/wsbridge/worker/pool.h"

namespace wl::wsbridge::api {

/// Counts how long things took.
class Histogram {
 public:
  static constexpr std::array<double, 9> kBounds{0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 30};  ///< seconds
  void observe(double seconds);

 private:
  friend class OpenMetrics;
  std::array<uint64_t, kBounds.size() + 1> counts_{};
  double sum_ = 0;
};

/// Writes the text format: family() opens a metric, then come its samples.
class OpenMetrics {
 public:
  static constexpr std::string_view kMediaType = "application/openmetrics-text; version=1.0.0; charset=utf-8";
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  /// `type`: counter, gauge or histogram. A name that ends with a unit ("_seconds", "_bytes") gets its UNIT
  /// line.
  void family(std::string_view name, std::string_view type, std::string_view help);
  void sample(double value, Labels labels = {});
  void sample(const Histogram& histogram);
  /// All of it, with its end mark.
  [[nodiscard]] std::string finish() &&;

 private:
  void line(std::string_view suffix, Labels labels, double value);
  std::string text_{};
  std::string name_{};
  bool counter_ = false;
};

struct SocketFigures {
  std::string path{};
  uint64_t active = 0, opened = 0, messages = 0, bytes = 0, received = 0, dropped = 0, conflated = 0, cut = 0;
};

struct Figures {
  int64_t started_ns = 0;  ///< by the wall clock
  http::ServerCounts http{};
  Histogram answer_seconds{};
  uint64_t rate_limited = 0;
  std::vector<std::pair<std::string, stream::FeedCounts>> streams{};
  std::vector<std::pair<std::string, worker::PoolCounts>> workers{};
  std::vector<SocketFigures> sockets{};
  CacheCounts cache{};
};

[[nodiscard]] std::string metrics_text(const Figures& figures);
/// {"active_connections":…,"by_socket":{…},"messages_sent":…,"dropped":…,"conflated":…}
[[nodiscard]] std::string socket_statistics(const std::vector<SocketFigures>& sockets);
/// [{"name":…,"state":"running","records":…,"last":TS},…]
[[nodiscard]] std::string streams_list(
    const std::vector<std::pair<std::string, stream::FeedCounts>>& streams);

struct Check {
  std::string name{};
  std::string state = "ok";
  bool ready = true;
};
/// {"status":"ok","uptime":SECONDS,"checks":{NAME:STATE,…}}; the status is "not ready" (to be sent with 503)
/// when a check is not.
[[nodiscard]] std::string health_body(int64_t started_ns, const std::vector<Check>& checks);

}  // namespace wl::wsbridge::api
