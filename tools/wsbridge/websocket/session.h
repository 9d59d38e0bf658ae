#pragma once
// The WebSockets of a profile: clients that subscribe to views, and send messages.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "libcommon/base/time.h"
#include "tools/wsbridge/http/message.h"
#include "tools/wsbridge/stream/view.h"
#include "tools/wsbridge/websocket/duplex.h"

namespace wl::wsbridge::websocket {

struct SocketCounts {
  uint64_t active_connections = 0, connections = 0;
  uint64_t messages_sent = 0, messages_received = 0, bytes = 0;
  uint64_t dropped = 0, conflated = 0;  ///< messages that clients missed
};

struct SocketOptions {
  std::string welcome{};     ///< JSON; empty: none
  int64_t heartbeat_ns = 0;  ///< 0: none
  bool timestamp = false;    ///< on all that is sent here; views have their own option
  size_t message_bytes = size_t{1} << 20;
  int64_t idle_ns = 60 * base::kSecond;  ///< of silence: then a ping, and after as much again the end
};

/// What clients of a socket are given.
struct Source {
  std::shared_ptr<stream::View> view{};
  size_t history = 1;
};

/// What the site does with what one client sends: a text message in, perhaps an answer out. Reading waits
/// meanwhile. `gone` is for it to set while it waits: called when the client has gone, and may only end that.
using OnMessage = std::function<boost::asio::awaitable<std::optional<std::string>>(
    std::string_view text, std::function<void()>& gone)>;

/// Whether who opened a socket may still have it; asked every five seconds.
using Still = std::function<boost::asio::awaitable<bool>()>;

/// All connections of a SocketSpec. I/O thread only; its sessions may outlive it.
class Socket {
 public:
  Socket(boost::asio::any_io_executor executor, std::vector<Source> sources, SocketOptions options);
  ~Socket();

  /// Answers a request that may be a WebSocket's: 101 and the session behind it, or a refusal. `worker` may
  /// be null; else all messages go to it and its lines come back, and it lives as long as the connection.
  /// `still` may be null.
  [[nodiscard]] http::Response upgrade(const http::Request& request, OnMessage on_message,
                                       std::shared_ptr<Duplex> worker = nullptr, Still still = nullptr);
  /// Closes all connections with 1001 and waits until they are gone, five seconds at most.
  boost::asio::awaitable<void> drain();
  [[nodiscard]] const SocketCounts& counts() const;

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace wl::wsbridge::websocket
