#pragma once
// A socket as a Stream, with TLS over it or not.
#include <cstdint>
#include <memory>
#include <string>

#include "libcommon/base/fd.h"
#include "tools/wsbridge/http/stream.h"

struct ssl_ctx_st;  // SSL_CTX

namespace wl::wsbridge::http {

class Connection final : public Stream {
 public:
  /// `socket` is non-blocking; `tls` may be null.
  Connection(boost::asio::any_io_executor executor, base::Fd socket, ssl_ctx_st* tls);
  ~Connection() override;

  boost::asio::awaitable<size_t> read_some(std::span<char> into, boost::system::error_code& error) override;
  boost::asio::awaitable<void> write(std::span<const boost::asio::const_buffer> parts,
                                     boost::system::error_code& error) override;
  void close() override;
  [[nodiscard]] boost::asio::any_io_executor executor() override;

  /// Of TLS; true at once without it. With `server` we are the client, and its certificate must be for that
  /// name or address.
  boost::asio::awaitable<bool> handshake(std::string server = {});
  /// Why a client's handshake failed.
  [[nodiscard]] std::string tls_failure() const;
  /// Writes what can be written right now; for a last word to somebody who is not served.
  void say(std::string_view text);
  /// Says that nothing more will be written.
  void end_output();
  [[nodiscard]] bool peer_gone() const override;
  /// read_some() gives these bytes first.
  void unread(std::string bytes) { ahead_ = std::move(bytes); }
  [[nodiscard]] uint64_t written() const { return written_; }

  /// When the server closes it, on the steady clock. A write that waits moves it `patience_ns` on, unless
  /// that is 0.
  int64_t deadline_ns = INT64_MAX;
  int64_t patience_ns = 0;

 private:
  struct Socket;
  /// One attempt: bytes written; 0 with an error, would_block among them.
  size_t write_now(std::span<const boost::asio::const_buffer> parts, size_t skip,
                   boost::system::error_code& error);
  boost::asio::awaitable<void> wait(bool for_writing, boost::system::error_code& error);

  std::unique_ptr<Socket> socket_;
  std::string ahead_{};
  std::string gathered_{};  ///< small parts put together for TLS
  uint64_t written_ = 0;
  unsigned unbroken_ = 0;  ///< reads that did not wait
};

}  // namespace wl::wsbridge::http
