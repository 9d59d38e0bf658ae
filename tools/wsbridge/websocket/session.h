#pragma once
// The WebSockets of a profile: clients that subscribe to views, and send messages.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tools/wsbridge/http/message.h"
#include "tools/wsbridge/process/child.h"
#include "tools/wsbridge/stream/view.h"
#include "tools/wsbridge/websocket/codec.h"

namespace wl::wsbridge::websocket {

/// Connections that are and were open; messages and bytes sent; messages received; messages that clients
/// missed; clients that were too slow.
struct SocketCounts {
  uint64_t active = 0, opened = 0, messages = 0, bytes = 0, received = 0, dropped = 0, conflated = 0, cut = 0;
};

/// What the site does with what one client sends: a text message in, perhaps an answer out. Reading waits
/// meanwhile. `gone` is for it to set while it waits: called when the client has gone, and may only end that.
using OnMessage =
    std::function<awaitable<std::optional<std::string>>(std::string_view text, std::function<void()>& gone)>;

/// One who asks to be connected.
struct Client {
  std::vector<std::shared_ptr<stream::View>> views{};  ///< what it is given
  OnMessage on_message{};
  /// Unless null, all messages go to it as lines and its lines come back; it lives as long as the connection.
  std::shared_ptr<process::Child> worker{};
  stream::Still still{};  ///< asked every five seconds, unless it is empty
};

/// All connections of a SocketSpec. I/O thread only; held by shared_ptr, for its sessions may outlive who
/// made it.
class Socket : public std::enable_shared_from_this<Socket> {
 public:
  Socket(Executor executor, const SocketSpec& spec, const LimitSpec& limits)
      : executor_(std::move(executor)), spec_(spec), limits_(limits) {}

  /// Answers a request that may be a WebSocket's: 101 and the session behind it, or a refusal.
  [[nodiscard]] http::Response upgrade(const http::Request& request, Client client);
  /// Closes all connections with 1001 and waits until they are gone, six seconds at most.
  awaitable<void> drain();
  [[nodiscard]] const SocketSpec& spec() const { return spec_; }
  [[nodiscard]] const SocketCounts& counts() const { return counts_; }

 private:
  friend class Session;
  awaitable<void> tick();

  Executor executor_;
  SocketSpec spec_;
  LimitSpec limits_;
  SocketCounts counts_{};
  std::set<class Session*> sessions_{};
  Inflater inflater_{};
  Deflater deflater_{};
  process::Event pause_{executor_};
  bool ticking_ = false, draining_ = false;
};

}  // namespace wl::wsbridge::websocket
