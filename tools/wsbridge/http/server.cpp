#include "tools/wsbridge/http/server.h"

#include <list>
#include <unordered_map>
#include <vector>

#include <arpa/inet.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "libcommon/base/fd.h"
#include "libcommon/base/time.h"
#include "tools/wsbridge/http/session.h"

namespace wl::wsbridge::http {

namespace asio = boost::asio;
using asio::awaitable;
using boost::system::error_code;

namespace {

constexpr auto kLookAfter = std::chrono::milliseconds(500);
constexpr auto kAcceptPause = std::chrono::milliseconds(100);  // where there are no descriptors left
constexpr int kAcceptBatch = 64;                               // before others have their turn
constexpr std::string_view kUnix = "unix:";
constexpr std::string_view kBusy =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

struct FreeContext {
  void operator()(SSL_CTX* context) const { ::SSL_CTX_free(context); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeContext>;

base::Result<TlsContext> make_tls(const Endpoint& endpoint) {
  TlsContext tls(::SSL_CTX_new(::TLS_server_method()));
  const auto failed = [](const std::string& file) {
    std::array<char, 256> reason{};
    ::ERR_error_string_n(::ERR_get_error(), reason.data(), reason.size());
    return base::fail(file + ": " + reason.data(), "TLS needs a certificate and its key, both PEM");
  };
  ::ERR_clear_error();
  if (!tls || ::SSL_CTX_set_min_proto_version(tls.get(), TLS1_2_VERSION) != 1) return failed("TLS");
  ::SSL_CTX_set_options(tls.get(),
                        SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  ::SSL_CTX_set_mode(tls.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                    SSL_MODE_RELEASE_BUFFERS);
  if (::SSL_CTX_use_certificate_chain_file(tls.get(), endpoint.certificate.c_str()) != 1)
    return failed(endpoint.certificate);
  if (::SSL_CTX_use_PrivateKey_file(tls.get(), endpoint.key.c_str(), SSL_FILETYPE_PEM) != 1)
    return failed(endpoint.key);
  return tls;
}

base::Result<base::Fd> bind_unix(const std::string& path) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return base::fail(path + ": too long for a unix socket");
  path.copy(static_cast<char*>(address.sun_path), path.size());
  const auto* const any = reinterpret_cast<const sockaddr*>(&address);
  base::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  // A socket that nobody listens on is left over from one who was killed.
  if (fd && ::connect(fd.get(), any, sizeof address) != 0 && errno == ECONNREFUSED) ::unlink(path.c_str());
  fd.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd || ::bind(fd.get(), any, sizeof address) != 0)
    return base::fail(path + ": " + base::errno_text(errno));
  (void)::chmod(path.c_str(), 0660);
  return fd;
}

base::Result<base::Fd> bind_tcp(const std::string& text) {
  const size_t colon = text.rfind(':');
  const auto wrong = [&](const std::string& why) {
    return base::fail(text + ": " + why, "listen on 127.0.0.1:8000, [::1]:8000 or unix:/path",
                      base::Exit::usage);
  };
  if (colon == std::string::npos || colon == 0) return wrong("no address and port");
  std::string host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), text.c_str() + colon + 1, &hints, &found); error != 0) {
    return wrong(::gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  base::Fd fd(::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  if (fd) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (!fd || ::bind(fd.get(), found->ai_addr, found->ai_addrlen) != 0) return wrong(base::errno_text(errno));
  return fd;
}

/// "127.0.0.1" and the port of a TCP address; of an IPv4 address that came through an IPv6 socket, too.
struct Name {
  std::string address{};
  uint16_t port = 0;
  bool loopback = false;
};

Name name_of(const sockaddr_storage& storage) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const auto v4 = [&](in_addr address, in_port_t port) {
    ::inet_ntop(AF_INET, &address, text.data(), text.size());
    return Name{text.data(), ntohs(port), (ntohl(address.s_addr) >> 24) == 127};
  };
  if (storage.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(storage);
    return v4(in.sin_addr, in.sin_port);
  }
  if (storage.ss_family != AF_INET6) return {"unix", 0, true};
  const auto& in = reinterpret_cast<const sockaddr_in6&>(storage);
  if (IN6_IS_ADDR_V4MAPPED(&in.sin6_addr)) {
    in_addr mapped{};
    std::memcpy(&mapped, &in.sin6_addr.s6_addr[12], sizeof mapped);
    return v4(mapped, in.sin6_port);
  }
  ::inet_ntop(AF_INET6, &in.sin6_addr, text.data(), text.size());
  return {text.data(), ntohs(in.sin6_port), IN6_IS_ADDR_LOOPBACK(&in.sin6_addr) != 0};
}

}  // namespace

struct Server::Core : std::enable_shared_from_this<Server::Core> {
  struct Listener {
    asio::posix::stream_descriptor socket;
    TlsContext tls;
    std::string unix_path;
  };
  using Sessions = std::list<std::shared_ptr<Session>>;

  Core(asio::any_io_executor on, Handler& handler, ServerOptions options, base::Log& log)
      : executor(std::move(on)), timer(executor), common{handler, log, std::move(options)} {}
  ~Core() {
    if (!common.upload_directory.empty()) ::rmdir(common.upload_directory.c_str());
  }

  static awaitable<void> accept(std::shared_ptr<Core> core, std::shared_ptr<Listener> listener);
  static awaitable<void> serve(std::shared_ptr<Core> core, std::shared_ptr<Session> session);
  static awaitable<void> look_after(std::shared_ptr<Core> core);
  void begin(base::Fd socket, const sockaddr_storage& from, SSL_CTX* tls);
  void close_listeners();
  void close_all();

  asio::any_io_executor executor;
  asio::steady_timer timer;
  Common common;
  std::vector<std::shared_ptr<Listener>> listeners{};
  Sessions sessions{};
  std::unordered_map<std::string, uint32_t> addresses{};  // connections of each
  bool closed = false;
};

Server::Server(asio::any_io_executor executor, Handler& handler, ServerOptions options, base::Log& log)
    : core_(std::make_shared<Core>(std::move(executor), handler, std::move(options), log)) {
  asio::co_spawn(core_->executor, Core::look_after(core_), asio::detached);
}

Server::~Server() {
  core_->close_listeners();
  core_->close_all();
  core_->closed = true;
  core_->timer.cancel();
}

const ServerCounts& Server::counts() const { return core_->common.counts; }

base::Result<std::string> Server::listen(const Endpoint& endpoint) {
  TlsContext tls;
  if (!endpoint.certificate.empty() || !endpoint.key.empty()) {
    auto made = make_tls(endpoint);
    if (!made) return std::unexpected(std::move(made.error()));
    tls = std::move(*made);
  }
  const bool is_unix = endpoint.address.starts_with(kUnix);
  const std::string path = is_unix ? endpoint.address.substr(kUnix.size()) : "";
  auto fd = is_unix ? bind_unix(path) : bind_tcp(endpoint.address);
  if (!fd) return std::unexpected(std::move(fd.error()));
  if (::listen(fd->get(), 4096) != 0) return base::fail(endpoint.address + ": " + base::errno_text(errno));
  std::string url = endpoint.address;
  if (!is_unix) {
    sockaddr_storage bound{};
    socklen_t size = sizeof bound;
    ::getsockname(fd->get(), reinterpret_cast<sockaddr*>(&bound), &size);
    const Name name = name_of(bound);
    const bool v6 = name.address.find(':') != std::string::npos;
    url = std::string(tls ? "https://" : "http://") + (v6 ? "[" + name.address + "]" : name.address) + ":" +
          std::to_string(name.port);
  }
  auto listener = std::make_shared<Core::Listener>(
      Core::Listener{asio::posix::stream_descriptor(core_->executor, fd->get()), std::move(tls), path});
  (void)fd->release();
  core_->listeners.push_back(listener);
  asio::co_spawn(core_->executor, Core::accept(core_, listener), asio::detached);
  return url;
}

awaitable<void> Server::Core::accept(std::shared_ptr<Core> core, std::shared_ptr<Listener> listener) {
  asio::steady_timer pause(core->executor);
  error_code error;
  bool short_of = false;  // of descriptors: said once
  while (listener->socket.is_open()) {
    co_await listener->socket.async_wait(asio::posix::stream_descriptor::wait_read,
                                         asio::redirect_error(asio::use_awaitable, error));
    for (int i = 0; i < kAcceptBatch && listener->socket.is_open(); ++i) {
      sockaddr_storage from{};
      socklen_t size = sizeof from;
      base::Fd socket(::accept4(listener->socket.native_handle(), reinterpret_cast<sockaddr*>(&from), &size,
                                SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (socket) {
        short_of = false;
        core->begin(std::move(socket), from, listener->tls.get());
      } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        if (!std::exchange(short_of, true)) core->common.log.warning("accept: " + base::errno_text(errno));
        pause.expires_after(kAcceptPause);
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
        break;
      } else if (errno != ECONNABORTED && errno != EINTR) {
        break;
      }
    }
  }
}

void Server::Core::begin(base::Fd socket, const sockaddr_storage& from, SSL_CTX* tls) {
  const Name name = name_of(from);
  uint32_t& of_address = addresses[name.address];
  ServerCounts& counts = common.counts;
  ++counts.accepted;
  if (counts.connections >= common.options.limits.clients ||
      of_address >= common.options.limits.per_address) {
    ++counts.refused;
    if (tls == nullptr) (void)::send(socket.get(), kBusy.data(), kBusy.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (of_address == 0) addresses.erase(name.address);
    return;
  }
  const int on = 1;
  if (from.ss_family != AF_UNIX) ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ++of_address;
  ++counts.connections;
  const Peer peer{.address = name.address, .loopback = name.loopback, .secure = tls != nullptr};
  auto session = std::make_shared<Session>(executor, std::move(socket), tls, peer, common);
  asio::co_spawn(executor, serve(shared_from_this(), std::move(session)), asio::detached);
}

awaitable<void> Server::Core::serve(std::shared_ptr<Core> core, std::shared_ptr<Session> session) {
  const auto place = core->sessions.insert(core->sessions.end(), session);
  try {
    co_await session->run();
  } catch (const std::exception& failure) {
    core->common.log.error(session->peer().address + ": " + failure.what());
  }
  session->close();
  core->sessions.erase(place);
  --core->common.counts.connections;
  const auto found = core->addresses.find(session->peer().address);
  if (--found->second == 0) core->addresses.erase(found);
}

awaitable<void> Server::Core::look_after(std::shared_ptr<Core> core) {
  error_code error;
  while (!core->closed) {
    core->timer.expires_after(kLookAfter);
    co_await core->timer.async_wait(asio::redirect_error(asio::use_awaitable, error));
    const int64_t now_ns = base::steady_clock_ns();
    for (const auto& session : core->sessions) session->look_after(now_ns);
  }
}

void Server::Core::close_listeners() {
  for (const auto& listener : listeners) {
    if (!listener->socket.is_open()) continue;
    error_code ignored;
    listener->socket.close(ignored);
    if (!listener->unix_path.empty()) ::unlink(listener->unix_path.c_str());
  }
}

void Server::Core::close_all() {
  for (const auto& session : sessions) session->close();
}

awaitable<void> Server::stop(std::chrono::milliseconds grace) {
  const std::shared_ptr<Core> core = core_;
  core->common.stopping = true;
  core->close_listeners();
  for (const auto& session : core->sessions) {
    if (session->idle()) session->close();
  }
  asio::steady_timer pause(core->executor);
  error_code ignored;
  const auto end = std::chrono::steady_clock::now() + grace;
  constexpr auto kAfterwards = std::chrono::seconds(1);  // for coroutines to see that they were closed
  for (bool forced = false; !core->sessions.empty();) {
    const auto now = std::chrono::steady_clock::now();
    if (!std::exchange(forced, now >= end) && now >= end) core->close_all();
    if (now >= end + kAfterwards) break;
    pause.expires_after(std::chrono::milliseconds(10));
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

}  // namespace wl::wsbridge::http
