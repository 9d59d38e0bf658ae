#include "tools/wsbridge/http/connection.h"

#include <algorithm>
#include <array>

#include <boost/asio/error.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include "libcommon/base/time.h"

namespace wl::wsbridge::http {

namespace asio = boost::asio;
using asio::awaitable;
using asio::redirect_error;
using asio::use_awaitable;
using boost::system::error_code;

namespace {

struct FreeSsl {
  void operator()(SSL* ssl) const { ::SSL_free(ssl); }
};

bool would_block(const error_code& error) { return error == asio::error::would_block; }

}  // namespace

struct Connection::Socket {
  explicit Socket(const asio::any_io_executor& executor) : plain(executor) {}

  /// What SSL_read() and the like meant by `result`, which was no success. `for_writing`: what to wait for.
  error_code failure(int result) {
    switch (::SSL_get_error(ssl.get(), result)) {
      case SSL_ERROR_WANT_READ: for_writing = false; return asio::error::would_block;
      case SSL_ERROR_WANT_WRITE: for_writing = true; return asio::error::would_block;
      case SSL_ERROR_ZERO_RETURN: return asio::error::eof;
      default: broken = true; return asio::error::connection_reset;
    }
  }

  asio::generic::stream_protocol::socket plain;
  std::unique_ptr<SSL, FreeSsl> ssl{};
  bool for_writing = false;
  bool broken = false;  // RFC 8446: nothing is said on it any more, not even close_notify
};

Connection::Connection(asio::any_io_executor executor, base::Fd socket, SSL_CTX* tls)
    : socket_(std::make_unique<Socket>(std::move(executor))) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
  if (tls != nullptr) {
    socket_->ssl.reset(::SSL_new(tls));
    if (!socket_->ssl || ::SSL_set_fd(socket_->ssl.get(), socket.get()) != 1) socket_->broken = true;
  }
  error_code error;
  socket_->plain.assign({address.ss_family, 0}, socket.get(), error);
  if (!error) (void)socket.release();
}

Connection::~Connection() { close(); }

asio::any_io_executor Connection::executor() { return socket_->plain.get_executor(); }

awaitable<void> Connection::wait(bool for_writing, error_code& error) {
  if (for_writing && patience_ns != 0) deadline_ns = base::steady_clock_ns() + patience_ns;
  co_await socket_->plain.async_wait(
      for_writing ? asio::socket_base::wait_write : asio::socket_base::wait_read,
      redirect_error(use_awaitable, error));
  if (!error && !socket_->plain.is_open()) error = asio::error::operation_aborted;
}

awaitable<bool> Connection::handshake(std::string server) {
  if (!socket_->ssl) co_return true;
  SSL* const ssl = socket_->ssl.get();
  if (!server.empty() && ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl), server.c_str()) != 1) {
    ::SSL_set_tlsext_host_name(ssl, server.c_str());
    ::SSL_set1_host(ssl, server.c_str());
  }
  error_code error;
  while (!error && !socket_->broken && socket_->plain.is_open()) {
    ::ERR_clear_error();
    const int result = server.empty() ? ::SSL_accept(ssl) : ::SSL_connect(ssl);
    if (result == 1) co_return true;
    error = socket_->failure(result);
    if (would_block(error)) co_await wait(socket_->for_writing, error);
  }
  co_return false;
}

std::string Connection::tls_failure() const {
  const long verdict = ::SSL_get_verify_result(socket_->ssl.get());
  return verdict == X509_V_OK ? "no TLS there" : ::X509_verify_cert_error_string(verdict);
}

awaitable<size_t> Connection::read_some(std::span<char> into, error_code& error) {
  error = {};
  if (!ahead_.empty()) {
    const size_t size = std::min(into.size(), ahead_.size());
    std::copy_n(ahead_.begin(), size, into.begin());
    ahead_.erase(0, size);
    if (ahead_.empty()) ahead_ = {};
    co_return size;
  }
  if (!socket_->ssl) {
    const auto buffer = asio::buffer(into.data(), into.size());
    co_return co_await socket_->plain.async_read_some(buffer, redirect_error(use_awaitable, error));
  }
  // Asio's own reads go through its queue; here somebody who sends without end must not shut the others out.
  if (++unbroken_ % 16 == 0) co_await asio::post(executor(), use_awaitable);
  while (!error) {
    if (!socket_->plain.is_open() || socket_->broken) {
      error = asio::error::operation_aborted;
      break;
    }
    ::ERR_clear_error();
    size_t size = 0;
    const int result = ::SSL_read_ex(socket_->ssl.get(), into.data(), into.size(), &size);
    if (result == 1) co_return size;
    error = socket_->failure(result);
    if (would_block(error)) co_await wait(socket_->for_writing, error);
  }
  co_return size_t{0};
}

size_t Connection::write_now(std::span<const asio::const_buffer> parts, size_t skip, error_code& error) {
  constexpr size_t kMaxParts = 64;
  constexpr size_t kRecord = 16384;  // of TLS
  if (!socket_->plain.is_open()) {
    error = asio::error::operation_aborted;
    return 0;
  }
  if (socket_->ssl) {
    if (socket_->broken) {
      error = asio::error::connection_reset;
      return 0;
    }
    const char* data = static_cast<const char*>(parts[0].data()) + skip;
    size_t size = parts[0].size() - skip;
    if (size < kRecord && parts.size() > 1) {
      gathered_.assign(data, size);
      for (size_t i = 1; i < parts.size() && gathered_.size() < kRecord; ++i) {
        gathered_.append(static_cast<const char*>(parts[i].data()),
                         std::min(parts[i].size(), kRecord - gathered_.size()));
      }
      data = gathered_.data();
      size = gathered_.size();
    }
    ::ERR_clear_error();
    size_t done = 0;
    const int result = ::SSL_write_ex(socket_->ssl.get(), data, size, &done);
    error = result == 1 ? error_code{} : socket_->failure(result);
    return done;
  }
  std::array<iovec, kMaxParts> vectors;
  msghdr message{};
  message.msg_iov = vectors.data();
  for (const asio::const_buffer& part : parts.first(std::min(parts.size(), kMaxParts))) {
    vectors.at(message.msg_iovlen++) = {const_cast<char*>(static_cast<const char*>(part.data())) + skip,
                                        part.size() - skip};
    skip = 0;
  }
  const ssize_t done = ::sendmsg(socket_->plain.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  error = done >= 0 ? error_code{} : error_code(errno, boost::system::system_category());
  return done > 0 ? static_cast<size_t>(done) : 0;
}

awaitable<void> Connection::write(std::span<const asio::const_buffer> parts, error_code& error) {
  error = {};
  size_t skip = 0;
  while (!parts.empty()) {
    size_t done = parts[0].size() == skip ? 0 : write_now(parts, skip, error);
    written_ += done;
    if (would_block(error)) {
      error = {};
      co_await wait(!socket_->ssl || socket_->for_writing, error);
    }
    if (error && error != asio::error::interrupted) co_return;
    for (skip += done; !parts.empty() && skip >= parts[0].size(); parts = parts.subspan(1))
      skip -= parts[0].size();
  }
}

void Connection::say(std::string_view text) {
  const asio::const_buffer part(text.data(), text.size());
  error_code ignored;
  (void)write_now({&part, 1}, 0, ignored);
}

void Connection::end_output() {
  if (!socket_->plain.is_open()) return;
  if (socket_->ssl && !socket_->broken) {
    ::ERR_clear_error();
    if (::SSL_is_init_finished(socket_->ssl.get()) == 1) (void)::SSL_shutdown(socket_->ssl.get());
  }
  error_code ignored;
  socket_->plain.shutdown(asio::socket_base::shutdown_send, ignored);
}

bool Connection::peer_gone() const {
  pollfd one{.fd = socket_->plain.native_handle(), .events = POLLRDHUP, .revents = 0};
  return one.fd < 0 || (::poll(&one, 1, 0) == 1 && (one.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0);
}

void Connection::close() {
  error_code ignored;
  socket_->plain.close(ignored);
}

}  // namespace wl::wsbridge::http
