#include "tools/wsbridge/http/connection.h"

#include <algorithm>

#include <boost/asio/post.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>

#include "libcommon/base/time.h"

namespace wl::wsbridge::http {

void Connection::FreeSsl::operator()(SSL* ssl) const { ::SSL_free(ssl); }

Connection::Connection(Socket socket, SSL_CTX* tls) : socket_(std::move(socket)) {
  error_code ignored;
  socket_.non_blocking(true, ignored);
  if (tls == nullptr) return;
  ssl_.reset(::SSL_new(tls));
  if (!ssl_ || ::SSL_set_fd(ssl_.get(), socket_.native_handle()) != 1) throw std::bad_alloc();
  ::SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                 SSL_MODE_RELEASE_BUFFERS);
}

awaitable<void> Connection::wait(bool for_writing, error_code& error) {
  if (for_writing && patience_ns != 0) deadline_ns = base::steady_clock_ns() + patience_ns;
  co_await socket_.async_wait(for_writing ? asio::socket_base::wait_write : asio::socket_base::wait_read,
                              redirect_error(use_awaitable, error));
  if (!error && !socket_.is_open()) error = asio::error::operation_aborted;
}

/// Tries until `attempt`, a call of OpenSSL that gives 1 for success, has succeeded or failed.
template <class Attempt>
awaitable<void> Connection::secured(const Attempt& attempt, error_code& error) {
  error = {};
  while (!error) {
    if (!socket_.is_open() || broken_) {
      error = asio::error::operation_aborted;
      break;
    }
    ::ERR_clear_error();
    const int result = attempt();
    if (result == 1) break;
    switch (::SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ: co_await wait(false, error); break;
      case SSL_ERROR_WANT_WRITE: co_await wait(true, error); break;
      case SSL_ERROR_ZERO_RETURN: error = asio::error::eof; break;
      default: broken_ = true; error = asio::error::connection_reset;
    }
  }
}

awaitable<bool> Connection::handshake() {
  if (!ssl_) co_return true;
  const auto attempt = [this] { return ::SSL_accept(ssl_.get()); };
  error_code error;
  co_await secured(attempt, error);
  co_return !error;
}

awaitable<size_t> Connection::read_some(std::span<char> into, error_code& error) {
  error = {};
  if (!ahead_.empty()) {
    const size_t size = ahead_.copy(into.data(), into.size());
    ahead_.erase(0, size);
    co_return size;
  }
  if (!ssl_) {
    const auto buffer = asio::buffer(into.data(), into.size());
    co_return co_await socket_.async_read_some(buffer, redirect_error(use_awaitable, error));
  }
  // Asio's own reads go through its queue; here somebody who sends without end must not shut the others out.
  if (++unbroken_ % 16 == 0) co_await asio::post(executor(), use_awaitable);
  size_t size = 0;
  const auto attempt = [&] { return ::SSL_read_ex(ssl_.get(), into.data(), into.size(), &size); };
  co_await secured(attempt, error);
  co_return error ? 0 : size;
}

awaitable<void> Connection::write(std::span<asio::const_buffer> parts, error_code& error) {
  constexpr size_t kRecord = 16384;  // of TLS
  error = {};
  for (size_t done = 0;; done = 0) {
    while (!parts.empty() && parts[0].size() == 0) parts = parts.subspan(1);
    if (parts.empty()) co_return;
    if (ssl_) {
      record_.resize(kRecord);
      record_.resize(asio::buffer_copy(asio::buffer(record_), parts));
      const auto attempt = [&] { return ::SSL_write_ex(ssl_.get(), record_.data(), record_.size(), &done); };
      co_await secured(attempt, error);
    } else {
      done = socket_.write_some(parts, error);
      if (error == asio::error::would_block) co_await wait(true, error);
    }
    if (error) co_return;
    written_ += done;
    for (auto part = parts.begin(); done != 0; ++part) {
      const size_t of_this = std::min(done, part->size());
      *part += of_this;
      done -= of_this;
    }
  }
}

void Connection::end_output() {
  if (!socket_.is_open()) return;
  if (ssl_ && !broken_) {
    ::ERR_clear_error();
    if (::SSL_is_init_finished(ssl_.get()) == 1) (void)::SSL_shutdown(ssl_.get());
  }
  error_code ignored;
  socket_.shutdown(asio::socket_base::shutdown_send, ignored);
}

bool Connection::peer_gone() {
  pollfd one{.fd = socket_.native_handle(), .events = POLLRDHUP, .revents = 0};
  return one.fd < 0 || (::poll(&one, 1, 0) == 1 && (one.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0);
}

void Connection::close() {
  error_code ignored;
  socket_.close(ignored);
}

}  // namespace wl::wsbridge::http
