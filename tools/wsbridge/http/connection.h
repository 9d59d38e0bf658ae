#pragma once
// A connection of bytes, whatever lies under it: TCP or a unix socket, with TLS over it or not.
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>

#include "tools/wsbridge/process/event.h"

struct ssl_ctx_st;  // SSL_CTX
struct ssl_st;      // SSL

namespace wl::wsbridge::http {

/// One reader and one writer at a time. Errors come as error codes, never as exceptions.
class Connection {
 public:
  using Socket = asio::generic::stream_protocol::socket;

  /// `tls` may be null.
  Connection(Socket socket, ssl_ctx_st* tls);

  /// Of TLS; true at once without it.
  awaitable<bool> handshake();
  /// Waits for some bytes; 0 with `error` set at the end or on failure.
  awaitable<size_t> read_some(std::span<char> into, error_code& error);
  /// Writes all of `parts`, which it uses up, with as few system calls as there can be. What they point to
  /// must live until then.
  awaitable<void> write(std::span<asio::const_buffer> parts, error_code& error);
  /// read_some() gives these bytes first.
  void unread(std::string bytes) { ahead_ = std::move(bytes); }
  /// Says that nothing more will be written.
  void end_output();
  /// Ends both directions at once: waiting calls come back with an error.
  void close();
  /// The other side has closed, as far as can be known without reading.
  [[nodiscard]] bool peer_gone();
  [[nodiscard]] Executor executor() { return socket_.get_executor(); }
  [[nodiscard]] uint64_t written() const { return written_; }

  /// When the server closes it, on the steady clock. A write that waits moves it `patience_ns` on, unless
  /// that is 0.
  int64_t deadline_ns = INT64_MAX;
  int64_t patience_ns = 0;
  /// Unless empty: the server calls it once, soon after the other side has closed. It may only make a waiting
  /// coroutine come back.
  std::function<void()> gone{};

 private:
  struct FreeSsl {
    void operator()(ssl_st* ssl) const;
  };
  template <class Attempt>
  awaitable<void> secured(const Attempt& attempt, error_code& error);
  awaitable<void> wait(bool for_writing, error_code& error);

  Socket socket_;
  std::unique_ptr<ssl_st, FreeSsl> ssl_{};
  bool broken_ = false;  // RFC 8446: nothing is said on it any more, not even close_notify
  std::string ahead_{};
  std::string record_{};  // small parts put together for TLS
  uint64_t written_ = 0;
  unsigned unbroken_ = 0;  // reads that did not wait
};

}  // namespace wl::wsbridge::http
