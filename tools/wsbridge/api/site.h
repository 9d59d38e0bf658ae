#pragma once
// The site behind the server: who asks, for what, may they, and then the answer.
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "libcommon/base/log.h"
#include "libcommon/base/time.h"
#include "tools/wsbridge/access/access.h"
#include "tools/wsbridge/api/answer.h"
#include "tools/wsbridge/api/limiter.h"
#include "tools/wsbridge/api/routes.h"
#include "tools/wsbridge/http/files.h"
#include "tools/wsbridge/http/message.h"
#include "tools/wsbridge/http/server.h"
#include "tools/wsbridge/websocket/session.h"

namespace wl::wsbridge::api {

/// A program that makes one of the documents "metrics", "health", "streams", "websocket_stats" and
/// "cache_statistics" of Site::report(); metrics are a text in a JSON string.
[[nodiscard]] shape::Program report_program(const std::string& name);

/// I/O thread only; it outlives the coroutines that wait for it.
class Site final : public http::Handler {
 public:
  /// What is given here outlives it.
  Site(Executor executor, const Profile& profile, std::string_view version, const access::Policy& policy,
       access::Gate& gate, std::shared_ptr<Redis> redis, base::Log& log);
  /// Before all else: the profile's own pages.
  [[nodiscard]] base::Result<void> open_pages();

  awaitable<http::Admission> admit(const http::Request& request) override;
  awaitable<http::Response> handle(http::Request& request) override;
  [[nodiscard]] http::Response metrics();
  /// Closes the WebSockets.
  awaitable<void> drain();
  [[nodiscard]] Answers& answers() { return answers_; }

  const http::ServerCounts* served = nullptr;  ///< by the server in front of this
  bool metrics_here = true;                    ///< false: /metrics has an address of its own

 private:
  using Refusal = std::optional<Failure>;  // nothing: nothing speaks against it
  using Message = std::optional<std::string>;
  [[nodiscard]] Found find(const http::Request& request) const;
  awaitable<http::Response> dispatch(http::Request& request);
  [[nodiscard]] http::Response no_route(const http::Request& request, const Found& found) const;
  awaitable<Refusal> refusal(Access needed, const std::string& rate, const access::Identity& identity);
  awaitable<http::Response> built_in(const RouteSpec& route, const http::Request& request,
                                     const access::Identity& identity);
  [[nodiscard]] stream::Still still(const access::Identity& identity) const;
  awaitable<http::Response> open(websocket::Socket& socket, const http::Request& request);
  awaitable<Message> message(const SocketSpec& socket, const access::Identity& identity, std::string text,
                             std::function<void()>& gone);
  void count(int64_t taken_ns);
  [[nodiscard]] std::string report() const;
  /// One of report_program()'s documents; nothing: not one of these.
  [[nodiscard]] std::optional<std::string> tell(const std::string& name);

  Executor executor_;
  const Profile& profile_;
  const access::Policy& policy_;
  access::Gate& gate_;
  base::Log& log_;
  Answers answers_;
  Limiter limiter_;
  RouteTable own_;
  RouteTable built_in_;
  std::optional<http::StaticFiles> web_{};  ///< the profile's pages; they come before our own
  std::string openapi_{};
  std::map<std::string, shape::Program> programs_{};                     ///< report_program() by name
  std::map<std::string, std::shared_ptr<websocket::Socket>> sockets_{};  ///< by path
  int64_t started_ns_ = base::wall_clock_ns();
  std::array<uint64_t, 10> answered_{};  ///< by the time that it took, see report.cpp
  double answer_seconds_ = 0;            ///< the sum of these times
};

}  // namespace wl::wsbridge::api
