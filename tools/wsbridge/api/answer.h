#pragma once
// What a route gives: a stream's records, a worker's or command's answer, shaped.
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "libcommon/base/log.h"
#include "tools/wsbridge/api/cache.h"
#include "tools/wsbridge/api/params.h"
#include "tools/wsbridge/api/sources.h"
#include "tools/wsbridge/http/message.h"
#include "tools/wsbridge/profile/profile.h"
#include "tools/wsbridge/shape/program.h"

namespace wl::wsbridge::api {

/// What a worker or command was asked and gave.
struct Outcome {
  int status = 0;
  std::vector<std::string> records{};
  std::string message{};  ///< why it failed, for the client
};

/// Carries out the routes that are no builtins. I/O thread only.
class Answers {
 public:
  /// An answer in one piece is at most this large; more is a failure that says so.
  static constexpr size_t kMaxAnswer = size_t{64} << 20;

  /// Compiles the programs of the profile, which must outlive it.
  [[nodiscard]] static base::Result<std::unique_ptr<Answers>> make(boost::asio::any_io_executor executor,
                                                                   const Profile& profile, Sources& sources,
                                                                   Cache& cache, base::Log& log);

  /// `owner` is the user's id, or empty. Lines of a stream as they come are not answered here.
  boost::asio::awaitable<http::Response> answer(const RouteSpec& route, Values values, std::string owner,
                                                http::Request& request);
  /// A failure in the route's own shape.
  [[nodiscard]] http::Response failure(const RouteSpec& route, unsigned status, std::string_view detail);
  /// `json` through the route's program; as it is without one, or where that fails.
  [[nodiscard]] std::string shape(const RouteSpec& route, std::string json);
  /// What a client's message is answered with: each record through its program. `gone` is set while it waits.
  boost::asio::awaitable<Outcome> message(const ReceiveSpec& receive, Values values, std::string owner,
                                          std::function<void()>& gone);

 private:
  struct Shapes {
    std::optional<shape::Program> as{}, error_as{};
  };
  /// A stream's answer, good until its newest record is another.
  struct Last {
    stream::Text of{};
    Entry entry{};
  };
  using CallPtr = std::unique_ptr<worker::Call>;

  Answers(boost::asio::any_io_executor executor, Sources& sources, Cache& cache, base::Log& log)
      : executor_(std::move(executor)), sources_(sources), cache_(cache), log_(log) {}

  [[nodiscard]] http::Response from_stream(const RouteSpec& route, const http::Request& request);
  [[nodiscard]] Entry all_of(const RouteSpec& route, const std::vector<stream::Text>& records);
  /// Null: the worker is too busy.
  [[nodiscard]] base::Result<CallPtr> call(const RouteSpec& route, const Argv& argv,
                                           const std::string& owner);
  boost::asio::awaitable<Outcome> collect(CallPtr call);
  /// `request`: cancelled when its client goes; null: others may wait for it too.
  boost::asio::awaitable<Entry> in_one_piece(const RouteSpec& route, Argv argv, std::string owner,
                                             http::Request* request);
  boost::asio::awaitable<http::Response> as_it_comes(const RouteSpec& route, const Values& values, Argv argv,
                                                     std::string owner, http::Request& request);
  [[nodiscard]] Entry shaped(const RouteSpec& route, std::string_view json);
  [[nodiscard]] Entry failed(const RouteSpec& route, unsigned status, std::string_view detail);

  boost::asio::any_io_executor executor_;
  Sources& sources_;
  Cache& cache_;
  base::Log& log_;
  std::map<const void*, Shapes> shapes_;
  std::map<const RouteSpec*, Last> last_;
};

}  // namespace wl::wsbridge::api
