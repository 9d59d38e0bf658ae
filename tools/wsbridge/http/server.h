#pragma once
// HTTP/1.1 and 1.0 on TCP, TLS and unix sockets: reads requests, asks the site, writes its answers.
#include <array>
#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "libcommon/base/error.h"
#include "libcommon/base/log.h"
#include "tools/wsbridge/http/connection.h"
#include "tools/wsbridge/http/message.h"
#include "tools/wsbridge/process/event.h"
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

class Session;

/// Lives on one I/O thread, held by a shared_ptr. `handler` and `log` must outlive the executor's work.
class Server : public std::enable_shared_from_this<Server> {
 public:
  /// `access_log`: a line for each request at info; else at debug.
  Server(Executor executor, Handler& handler, LimitSpec limits, bool access_log, base::Log& log);
  ~Server();

  /// Binds and begins to accept; gives the URL under which it answers ("http://127.0.0.1:8000").
  [[nodiscard]] base::Result<std::string> listen(const Endpoint& endpoint);
  /// Accepts no more, closes what is idle, gives running answers (and TakeOvers: end those first) `grace` to
  /// finish, then closes them.
  awaitable<void> stop(std::chrono::milliseconds grace);
  /// Closes everything at once.
  void close();
  [[nodiscard]] const ServerCounts& counts() const { return counts_; }

 private:
  friend class Session;
  struct Listener;
  awaitable<void> accept(std::shared_ptr<Listener> listener);
  void begin(Connection::Socket socket, const asio::generic::stream_protocol::endpoint& from,
             Listener& listener);
  awaitable<void> serve(std::shared_ptr<Session> session);
  awaitable<void> look_after();

  Executor executor_;
  Handler& handler_;
  LimitSpec limits_;
  bool access_log_;
  base::Log& log_;
  process::Event changed_{executor_};  // a session has ended, or all are to
  ServerCounts counts_{};
  std::vector<std::shared_ptr<Listener>> listeners_{};
  std::list<std::shared_ptr<Session>> sessions_{};
  std::unordered_map<std::string, uint32_t> addresses_{};  // connections of each
  std::string usual_headers_{};                            // that every answer has, made anew with the time
  bool stopping_ = false;                                  // every answer is the last one of its connection
  bool closed_ = false;
};

}  // namespace wl::wsbridge::http
