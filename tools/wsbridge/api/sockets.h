#pragma once
// The sockets of a profile, and the views of streams that they and /streams share.
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "libcommon/base/log.h"
#include "tools/wsbridge/access/access.h"
#include "tools/wsbridge/api/answer.h"
#include "tools/wsbridge/api/limiter.h"
#include "tools/wsbridge/api/metrics.h"
#include "tools/wsbridge/api/sources.h"
#include "tools/wsbridge/profile/profile.h"
#include "tools/wsbridge/websocket/session.h"

namespace wl::wsbridge::api {

/// I/O thread only.
class Sockets {
 public:
  /// `profile` and all else must outlive it.
  [[nodiscard]] static base::Result<std::unique_ptr<Sockets>> make(boost::asio::any_io_executor executor,
                                                                   const Profile& profile, Sources& sources,
                                                                   Answers& answers, Limiter& limiter,
                                                                   base::Log& log);

  /// Null: no socket has that path.
  [[nodiscard]] const SocketSpec* find(std::string_view path) const;
  /// 101 and what follows, or a refusal.
  [[nodiscard]] http::Response open(const SocketSpec& socket, access::Identity identity,
                                    websocket::Still still, const http::Request& request);
  /// The records of a stream as they come, NDJSON over HTTP.
  [[nodiscard]] http::Response lines(const RouteSpec& route, stream::Still still);

  [[nodiscard]] std::vector<SocketFigures> figures() const;
  boost::asio::awaitable<void> drain();

 private:
  using ViewKey = std::tuple<std::string, std::string, bool, Slow>;  // stream, program, timestamp, slow

  Sockets(boost::asio::any_io_executor executor, const Profile& profile, Sources& sources, Answers& answers,
          Limiter& limiter, base::Log& log)
      : executor_(std::move(executor)),
        profile_(profile),
        sources_(sources),
        answers_(answers),
        limiter_(limiter),
        log_(log) {}

  base::Result<std::shared_ptr<stream::View>> view(const std::string& stream, const std::string& as,
                                                   bool timestamp, Slow slow);
  boost::asio::awaitable<std::optional<std::string>> message(const SocketSpec& socket,
                                                             access::Identity identity, std::string text,
                                                             std::function<void()>& gone);

  boost::asio::any_io_executor executor_;
  const Profile& profile_;
  Sources& sources_;
  Answers& answers_;
  Limiter& limiter_;
  base::Log& log_;
  std::map<ViewKey, std::shared_ptr<stream::View>> views_;
  std::map<std::string, std::pair<const SocketSpec*, std::shared_ptr<websocket::Socket>>, std::less<>>
      sockets_;
  std::map<const RouteSpec*, std::shared_ptr<stream::View>> lines_;
};

}  // namespace wl::wsbridge::api
