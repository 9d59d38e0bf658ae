#pragma once
// What runs, and what it gives: streams with their views, workers, commands; records shaped into answers.
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libcommon/base/log.h"
#include "tools/wsbridge/api/cache.h"
#include "tools/wsbridge/api/routes.h"
#include "tools/wsbridge/http/message.h"
#include "tools/wsbridge/profile/profile.h"
#include "tools/wsbridge/shape/program.h"
#include "tools/wsbridge/stream/feed.h"
#include "tools/wsbridge/stream/view.h"
#include "tools/wsbridge/worker/pool.h"

namespace wl::wsbridge::api {

/// Why there is no answer.
struct Failure {
  unsigned status = 500;  ///< of HTTP
  std::string detail{};   ///< for the client
  int retry_after_s = 1;  ///< of 429 and 503
};

/// What a worker or command gave.
using Records = std::expected<std::vector<std::string>, Failure>;

/// I/O thread only; it outlives the coroutines that wait for it.
class Answers {
 public:
  /// An answer in one piece is at most this large; more is a failure that says so.
  static constexpr size_t kMaxAnswer = size_t{64} << 20;
  template <class T>
  using ByName = std::map<std::string, std::shared_ptr<T>, std::less<>>;

  /// The profile has been checked: names are there, and programs compile. It and the log outlive this.
  Answers(Executor executor, const Profile& profile, std::shared_ptr<Redis> redis, base::Log& log);
  /// Starts every stream (one on demand then waits for its first listener).
  void start();
  /// Ends all processes at once, each group with SIGTERM, then SIGKILL.
  awaitable<void> stop();

  /// `owner` is the user's id, or empty. Lines of a stream as they come are not answered here.
  awaitable<http::Response> answer(const RouteSpec& route, Values values, std::string owner,
                                   http::Request& request);
  /// What a client's message is answered with: each record through its program. `gone` is set while it waits.
  awaitable<Records> message(const ReceiveSpec& receive, Values values, std::string owner,
                             std::function<void()>& gone);
  /// A failure in the route's own shape.
  [[nodiscard]] http::Response failure(const RouteSpec& route, const Failure& why);
  /// `json` through the route's program.
  [[nodiscard]] Entry shaped(const RouteSpec& route, const std::string& json);
  /// Shared by all who want the same; `user` is whose records it has, where the spec says `mine`.
  [[nodiscard]] std::shared_ptr<stream::View> view(const SubscriptionSpec& spec, const std::string& user);
  [[nodiscard]] const ByName<stream::Feed>& feeds() const { return feeds_; }
  [[nodiscard]] const ByName<worker::Pool>& pools() const { return pools_; }
  [[nodiscard]] const Cache& cache() const { return cache_; }

 private:
  using CallPtr = std::unique_ptr<worker::Call>;

  [[nodiscard]] http::Response from_stream(const RouteSpec& route, const http::Request& request);
  [[nodiscard]] std::expected<CallPtr, Failure> call(const RouteSpec& route, const Argv& argv,
                                                     const std::string& owner);
  awaitable<Records> collect(const RouteSpec& route, const Argv& argv, const std::string& owner,
                             std::function<void()>* gone);
  awaitable<Entry> in_one_piece(const RouteSpec& route, const Argv& argv, const std::string& owner,
                                std::function<void()>* gone);
  awaitable<http::Response> as_it_comes(const RouteSpec& route, const Values& values, const Argv& argv,
                                        const std::string& owner, http::Request& request);
  [[nodiscard]] bool shape(const std::string& as, const std::string& json,
                           const std::function<void(std::string_view)>& each);
  [[nodiscard]] std::optional<std::string> first(const std::string& as, const std::string& json);
  [[nodiscard]] Entry failed(const RouteSpec& route, const Failure& why);

  Executor executor_;
  const Profile& profile_;
  base::Log& log_;
  Cache cache_;
  ByName<stream::Feed> feeds_{};
  ByName<worker::Pool> pools_{};
  std::map<std::string, shape::Program> programs_{};  ///< by their text
  std::map<std::pair<SubscriptionSpec, std::string>, std::shared_ptr<stream::View>> views_{};  ///< by user
  /// A stream's answer, good until its newest record is another.
  std::map<const RouteSpec*, std::pair<stream::Text, Entry>> last_{};
};

}  // namespace wl::wsbridge::api
