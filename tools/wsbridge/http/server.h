#pragma once
// HTTP/1.1 and 1.0 on TCP, TLS and unix sockets: reads requests, asks the site, writes its answers.
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "libcommon/base/error.h"
#include "libcommon/base/log.h"
#include "tools/wsbridge/http/message.h"
#include "tools/wsbridge/profile/profile.h"

namespace wl::wsbridge::http {

struct Endpoint {
  std::string address{};      ///< "127.0.0.1:8000", "[::]:8000", "unix:/run/wireline.sock"; port 0: any
  std::string certificate{};  ///< file of PEM, the server's first, then its issuers; empty: no TLS
  std::string key{};          ///< file of PEM
};

struct ServerCounts {
  uint32_t connections = 0;  ///< now
  uint64_t accepted = 0;
  uint64_t refused = 0;               ///< connections beyond the limits
  std::array<uint64_t, 6> answers{};  ///< by class of status: [2] is 2xx
  uint64_t bytes_out = 0;             ///< of answers and of what TakeOver wrote
};

struct ServerOptions {
  LimitSpec limits{};
  bool access_log = false;  ///< a line for each request at info; else at debug
};

/// Lives on one I/O thread. `handler` and `log` must outlive the executor's work.
class Server {
 public:
  Server(boost::asio::any_io_executor executor, Handler& handler, ServerOptions options, base::Log& log);
  /// Closes everything at once.
  ~Server();

  /// Binds and begins to accept; gives the URL under which it answers ("http://127.0.0.1:8000").
  [[nodiscard]] base::Result<std::string> listen(const Endpoint& endpoint);
  /// Accepts no more, closes what is idle, gives running answers (and TakeOvers: end those first) `grace` to
  /// finish, then closes them.
  boost::asio::awaitable<void> stop(std::chrono::milliseconds grace);
  [[nodiscard]] const ServerCounts& counts() const;

 private:
  struct Core;
  std::shared_ptr<Core> core_;
};

}  // namespace wl::wsbridge::http
