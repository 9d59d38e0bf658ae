#include "tools/wsbridge/http/server.h"

#include <cstring>
#include <sstream>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>
#include <sys/stat.h>

#include "libcommon/base/time.h"
#include "tools/wsbridge/http/session.h"

namespace wl::wsbridge::http {

using asio::ip::tcp;
using AnyProtocol = asio::generic::stream_protocol;
using Acceptor = asio::basic_socket_acceptor<AnyProtocol>;

namespace {

constexpr auto kLookAfter = std::chrono::milliseconds(500);
constexpr auto kAcceptPause = std::chrono::milliseconds(100);  // where there are no descriptors left
constexpr int kAtOnce = 16;  // connections that are accepted before others have their turn
constexpr std::string_view kUnix = "unix:";
constexpr std::string_view kBusy =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

std::string make_usual_headers() {
  return "\r\nDate: " + http_date(::time(nullptr)) +
         "\r\nServer: wireline\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
         "X-Frame-Options: DENY\r\n";
}

/// Throws what Asio throws.
AnyProtocol::endpoint find(const Executor& executor, const std::string& address) {
  if (address.starts_with(kUnix)) {
    const asio::local::stream_protocol::endpoint endpoint(address.substr(kUnix.size()));
    AnyProtocol::socket probe(executor);
    error_code error;
    probe.connect(endpoint, error);
    // A socket that nobody listens on is left over from one who was killed.
    if (error == asio::error::connection_refused) ::unlink(endpoint.path().c_str());
    return endpoint;
  }
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0)
    throw boost::system::system_error(asio::error::invalid_argument);
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  tcp::resolver resolver(executor);
  const auto found = resolver.resolve(host, address.substr(colon + 1), tcp::resolver::passive);
  return found.begin()->endpoint();
}

tcp::endpoint as_tcp(const AnyProtocol::endpoint& endpoint) {
  tcp::endpoint same;
  std::memcpy(same.data(), endpoint.data(), std::min(endpoint.size(), same.capacity()));
  return same;
}

/// An IPv4 address is called so even where it came through an IPv6 socket.
Peer peer_of(const AnyProtocol::endpoint& from, bool secure) {
  if (from.protocol().family() == AF_UNIX) return {.address = "unix", .secure = secure};
  asio::ip::address address = as_tcp(from).address();
  if (address.is_v6()) {
    asio::ip::address_v6 v6 = address.to_v6();
    v6.scope_id(0);
    address = v6;
    if (v6.is_v4_mapped()) address = asio::ip::make_address_v4(asio::ip::v4_mapped, v6);
  }
  return {.address = address.to_string(), .secure = secure};
}

}  // namespace

struct Server::Listener {
  ~Listener() {
    if (!unix_path.empty()) ::unlink(unix_path.c_str());
  }
  Acceptor acceptor;
  std::string unix_path{};
  std::optional<asio::ssl::context> tls{};
  bool short_of = false;  // of descriptors: said once
};

Server::Server(Executor executor, Handler& handler, LimitSpec limits, bool access_log, base::Log& log)
    : executor_(std::move(executor)),
      handler_(handler),
      limits_(std::move(limits)),
      access_log_(access_log),
      log_(log) {}
Server::~Server() = default;

base::Result<std::string> Server::listen(const Endpoint& endpoint) try {
  const std::shared_ptr<Listener> listener(new Listener{.acceptor = Acceptor(executor_)});
  if (!endpoint.certificate.empty() || !endpoint.key.empty()) {
    using asio::ssl::context;
    context& tls = listener->tls.emplace(context::tls_server);
    tls.set_options(context::no_tlsv1 | context::no_tlsv1_1 | SSL_OP_NO_RENEGOTIATION |
                    SSL_OP_CIPHER_SERVER_PREFERENCE);
    error_code error;
    tls.use_certificate_chain_file(endpoint.certificate, error);
    const std::string& file = error ? endpoint.certificate : endpoint.key;
    if (!error) tls.use_private_key_file(endpoint.key, context::pem, error);
    if (error)
      return base::fail(file + ": " + error.message(), "TLS needs a certificate and its key, both PEM");
  }
  Acceptor& acceptor = listener->acceptor;
  const AnyProtocol::endpoint local = find(executor_, endpoint.address);
  acceptor.open(local.protocol());
  acceptor.set_option(asio::socket_base::reuse_address(true));
  acceptor.bind(local);
  acceptor.listen(4096);
  if (endpoint.address.starts_with(kUnix)) {
    listener->unix_path = endpoint.address.substr(kUnix.size());
    (void)::chmod(listener->unix_path.c_str(), 0660);
  }
  if (listeners_.empty()) asio::co_spawn(executor_, look_after(), asio::detached);
  listeners_.push_back(listener);
  for (int i = 0; i < kAtOnce; ++i) asio::co_spawn(executor_, accept(listener), asio::detached);
  if (!listener->unix_path.empty()) return endpoint.address;
  std::ostringstream url;
  url << (listener->tls ? "https://" : "http://") << as_tcp(acceptor.local_endpoint());
  return url.str();
} catch (const boost::system::system_error& failure) {
  return base::fail(endpoint.address + ": " + failure.code().message(),
                    "listen on 127.0.0.1:8000, [::1]:8000 or unix:/path", base::Exit::usage);
}

awaitable<void> Server::accept(std::shared_ptr<Listener> listener) {
  const auto self = shared_from_this();
  error_code error;
  while (listener->acceptor.is_open()) {
    AnyProtocol::endpoint from;
    auto socket = co_await listener->acceptor.async_accept(from, redirect_error(use_awaitable, error));
    if (!error) {
      listener->short_of = false;
      begin(std::move(socket), from, *listener);
    } else if (listener->acceptor.is_open()) {
      if (!std::exchange(listener->short_of, true))
        log_.warning("accept: " + base::errno_text(error.value()));
      co_await changed_.wait(kAcceptPause);
    }
  }
}

void Server::begin(Connection::Socket socket, const AnyProtocol::endpoint& from, Listener& listener) {
  Peer peer = peer_of(from, listener.tls.has_value());
  uint32_t& of_address = addresses_[peer.address];
  ++counts_.accepted;
  if (counts_.connections >= limits_.clients || of_address >= limits_.per_address) {
    ++counts_.refused;
    if (!peer.secure)
      (void)::send(socket.native_handle(), kBusy.data(), kBusy.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (of_address == 0) addresses_.erase(peer.address);
    return;
  }
  error_code ignored;  // of a unix socket
  socket.set_option(tcp::no_delay(true), ignored);
  ++of_address;
  ++counts_.connections;
  auto* const tls = listener.tls ? listener.tls->native_handle() : nullptr;
  auto session = std::make_shared<Session>(std::move(socket), tls, std::move(peer), *this);
  asio::co_spawn(executor_, serve(std::move(session)), asio::detached);
}

awaitable<void> Server::serve(std::shared_ptr<Session> session) {
  const auto self = shared_from_this();
  const auto place = sessions_.insert(sessions_.end(), session);
  try {
    co_await session->run();
  } catch (const std::exception& failure) {
    log_.error(session->peer().address + ": " + failure.what());
  }
  session->close();
  sessions_.erase(place);
  --counts_.connections;
  const auto found = addresses_.find(session->peer().address);
  if (--found->second == 0) addresses_.erase(found);
  if (stopping_) changed_.notify();
}

awaitable<void> Server::look_after() {
  const auto self = shared_from_this();
  while (!closed_) {
    usual_headers_ = make_usual_headers();
    const int64_t now_ns = base::steady_clock_ns();
    for (const auto& session : sessions_) session->look_after(now_ns);
    co_await changed_.until([this] { return closed_; }, kLookAfter);
  }
}

void Server::close() {
  error_code ignored;
  closed_ = true;
  changed_.notify();
  for (const auto& listener : listeners_) listener->acceptor.close(ignored);
  for (const auto& session : sessions_) session->close();
}

awaitable<void> Server::stop(std::chrono::milliseconds grace) {
  const auto self = shared_from_this();
  error_code ignored;
  stopping_ = true;
  for (const auto& listener : listeners_) listener->acceptor.close(ignored);
  for (const auto& session : sessions_) {
    if (session->idle()) session->close();
  }
  const auto empty = [this] { return sessions_.empty(); };
  co_await changed_.until(empty, grace);
  close();
  co_await changed_.until(empty, std::chrono::seconds(1));  // for coroutines to see that they were closed
}

}  // namespace wl::wsbridge::http
