#include "tools/wsbridge/connect.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <memory>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <poll.h>

#include "libcommon/base/signals.h"
#include "libcommon/base/time.h"
#include "libcommon/ndjson/text.h"
#include "tools/wsbridge/http/connection.h"
#include "tools/wsbridge/process/event.h"
#include "tools/wsbridge/websocket/codec.h"
#include "tools/wsbridge/websocket/duplex.h"
#include "tools/wsbridge/websocket/handshake.h"

namespace wl::wsbridge {
namespace {

namespace asio = boost::asio;
using asio::awaitable;
using asio::ip::tcp;
using boost::system::error_code;
using websocket::Opcode;

constexpr int64_t kOpenNs = 15 * base::kSecond;  // to connect and shake hands
constexpr int64_t kPingNs = 20 * base::kSecond;  // of silence
constexpr int64_t kDeadNs = 60 * base::kSecond;  // of silence
constexpr int64_t kCloseNs = 5 * base::kSecond;  // for an answer to our close frame
constexpr int64_t kMaxDelayNs = 30 * base::kSecond;
constexpr size_t kMaxMessage = process::Lines::kMaxLine;
constexpr size_t kMaxHead = size_t{16} << 10;

struct Url {
  bool tls = false;
  std::string host{}, port{}, authority{}, target{};
};

base::Result<Url> parse_url(const std::string& text) {
  const auto bad = [&] {
    return base::fail(text + ": not a WebSocket's URL", "ws://HOST:PORT/PATH or wss://…", base::Exit::usage);
  };
  Url url{.tls = text.starts_with("wss://")};
  if (!url.tls && !text.starts_with("ws://")) return bad();
  std::string_view rest = std::string_view(text).substr(url.tls ? 6 : 5);
  rest = rest.substr(0, rest.find('#'));
  const size_t end = std::min(rest.find_first_of("/?"), rest.size());
  url.authority = rest.substr(0, end);
  url.target = rest.substr(end);
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  const bool bracket = url.authority.starts_with('[');
  const size_t host_end =
      bracket ? url.authority.find(']') : std::min(url.authority.find(':'), url.authority.size());
  if (host_end == std::string::npos) return bad();
  url.host = url.authority.substr(bracket, host_end - bracket);
  const std::string behind = url.authority.substr(host_end + bracket);
  url.port = behind.size() > 1 ? behind.substr(1) : url.tls ? "443" : "80";
  const bool clean =
      std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '@'; });
  if (url.host.empty() || !clean || !(behind.empty() || behind.starts_with(':'))) return bad();
  return url;
}

/// Nobody reads our standard output any more.
bool reader_gone() {
  pollfd output{.fd = STDOUT_FILENO, .events = 0, .revents = 0};
  return ::poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0;
}

/// Our own standard input and output.
class Standard final : public websocket::Duplex {
 public:
  explicit Standard(std::shared_ptr<process::Child> input) : input_(std::move(input)) {}

  awaitable<bool> write(std::string_view text) override {
    const std::string line = websocket::as_line(text);
    for (size_t at = 0; at < line.size();) {
      const ssize_t n = ::write(STDOUT_FILENO, line.data() + at, line.size() - at);
      if (n < 0 && errno != EINTR) co_return false;
      if (n > 0) at += static_cast<size_t>(n);
    }
    co_return true;
  }
  awaitable<bool> read(const Each& each) override { co_return co_await lines_.next(each); }
  awaitable<int> status() override { co_return 0; }
  void close() override { input_->close(); }

 private:
  std::shared_ptr<process::Child> input_;
  process::Lines lines_{*input_};
};

class Client {
 public:
  Client(const ConnectOptions& options, Url url, std::string token, base::Log& log)
      : options_(options),
        url_(std::move(url)),
        token_(std::move(token)),
        log_(log),
        not_text_(log, "line") {}
  base::Result<void> prepare();
  int run();

 private:
  using Link = std::shared_ptr<http::Connection>;
  awaitable<void> work();
  awaitable<std::string> open();
  awaitable<std::string> shake_hands(Link link);
  awaitable<std::string> receive(Link link);
  awaitable<void> send_lines();
  awaitable<bool> send(Opcode opcode, std::string payload);
  awaitable<void> tick();
  bool start();
  void on_signal();

  const ConnectOptions& options_;
  Url url_;
  std::string token_;
  base::Log& log_;
  base::SkipReport not_text_;
  asio::io_context io_{1};
  asio::ssl::context tls_{asio::ssl::context::tls_client};
  asio::signal_set signals_{io_, SIGINT, SIGTERM};
  std::shared_ptr<websocket::Duplex> duplex_{};
  process::Event changed_{io_.get_executor()};
  Link link_{};  // null while there is no connection
  std::function<void()> give_up_{};
  int64_t give_up_ns_ = INT64_MAX, heard_ns_ = 0;
  bool writing_ = false;
  bool delivering_ = false;  // our side takes no more right now: nothing can be heard
  bool stopping_ = false;    // by a signal
  bool ended_ = false;       // all lines are sent
  bool refused_ = false;     // with an answer that another attempt would not change
  int status_ = 1;
};

base::Result<void> Client::prepare() {
  error_code error;
  tls_.set_verify_mode(asio::ssl::verify_peer);
  tls_.set_default_verify_paths(error);
  if (!options_.ca_file.empty()) tls_.load_verify_file(options_.ca_file, error);
  if (error) return base::fail(options_.ca_file + ": " + error.message(), "--ca takes certificates in PEM");
  return {};
}

/// Empty: there is a connection. Else why there is none.
awaitable<std::string> Client::open() {
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  const auto resolver = std::make_shared<tcp::resolver>(io_);
  const auto socket = std::make_shared<tcp::socket>(io_);
  give_up_ns_ = base::steady_clock_ns() + kOpenNs;
  give_up_ = [resolver, socket] {
    error_code ignored;
    resolver->cancel();
    socket->close(ignored);
  };
  const auto found = co_await resolver->async_resolve(url_.host, url_.port, token);
  if (!error) co_await asio::async_connect(*socket, found, token);
  if (!error) socket->set_option(tcp::no_delay(true), error);
  if (!error) socket->non_blocking(true, error);
  if (error) co_return error.message();
  base::Fd fd(socket->release());
  const auto link = std::make_shared<http::Connection>(io_.get_executor(), std::move(fd),
                                                       url_.tls ? tls_.native_handle() : nullptr);
  give_up_ = [link] { link->close(); };
  const bool secure = co_await link->handshake(url_.host);
  if (!secure) {
    refused_ = true;
    co_return link->tls_failure();
  }
  std::string refusal = co_await shake_hands(link);
  if (refusal.empty()) link_ = link;
  give_up_ns_ = INT64_MAX;
  co_return refusal;
}

awaitable<std::string> Client::shake_hands(Link link) {
  unsigned char random[16];
  ::arc4random_buf(random, sizeof random);
  std::string key(ndjson::base64_room(sizeof random), '\0');
  (void)ndjson::put_base64(key.data(), random);
  std::string head =
      "GET " + url_.target + " HTTP/1.1\r\nHost: " + url_.authority +
      "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
      key + "\r\n" + (token_.empty() ? "" : "Authorization: Bearer " + token_ + "\r\n") + "\r\n";
  error_code error;
  const asio::const_buffer part(head.data(), head.size());
  co_await link->write(std::span(&part, 1), error);
  std::string answer;
  std::array<char, 2048> buffer;
  size_t end = std::string::npos;
  while (!error && end == std::string::npos && answer.size() < kMaxHead) {
    const size_t size = co_await link->read_some(buffer, error);
    answer.append(buffer.data(), size);
    end = answer.find("\r\n\r\n");
  }
  if (end == std::string::npos) co_return "no answer to the handshake";
  std::string_view lines = std::string_view(answer).substr(0, end);
  const std::string_view status = websocket::next_item(lines, '\r');
  bool accepted = false;
  while (!lines.empty()) {
    std::string_view value = websocket::next_item(lines, '\r');
    value.remove_prefix(std::min<size_t>(value.find_first_not_of('\n'), value.size()));
    const std::string_view name = websocket::next_item(value, ':');
    const std::string_view wanted = websocket::next_item(value, '\r');
    accepted |= websocket::same_token(name, "Sec-WebSocket-Accept") && wanted == websocket::accept_key(key);
  }
  if (status.substr(0, 13) == "HTTP/1.1 101 " && accepted) {
    link->unread(answer.substr(end + 4));
    co_return std::string();
  }
  // What the request did wrong stays wrong: 4xx, but for "too early" and "too often".
  const std::string_view code = status.substr(std::min<size_t>(9, status.size()));
  refused_ = code.starts_with('4') && !code.starts_with("408") && !code.starts_with("429");
  co_return status.starts_with("HTTP/1.1 101") ? "the answer is not a WebSocket's"
                                               : "answered " + std::string(code);
}

awaitable<bool> Client::send(Opcode opcode, std::string payload) {
  while (writing_) co_await changed_.wait();
  const Link link = link_;
  if (!link) co_return false;
  writing_ = true;
  websocket::Mask mask;
  ::arc4random_buf(mask.data(), mask.size());
  std::string frame;
  websocket::append_frame(frame, opcode, payload, false, mask);
  error_code error;
  const asio::const_buffer part(frame.data(), frame.size());
  co_await link->write(std::span(&part, 1), error);
  writing_ = false;
  if (error && link_ == link) link_ = nullptr;
  if (error) link->close();
  changed_.notify();
  co_return !error;
}

/// The lines go out in their order, each until it is written; while there is no connection they wait in the
/// pipe.
awaitable<void> Client::send_lines() {
  bool any = false;
  std::vector<std::string> batch;
  const websocket::Duplex::Each keep = [&batch](std::string_view line) { batch.emplace_back(line); };
  bool more = true;
  while (more) {
    more = co_await duplex_->read(keep);
    for (std::string& line : batch) {
      any = true;
      websocket::Utf8Check check;
      if (!check.add(line) || !check.whole()) {
        not_text_.add("a line that is not UTF-8");
        continue;
      }
      bool sent = false;
      while (!sent) {
        while (!link_) co_await changed_.wait();
        sent = co_await send(Opcode::text, line);
      }
    }
    batch.clear();
  }
  // An input without anything, /dev/null say, ends nothing: messages are still wanted.
  if (!any && !stopping_ && options_.command.empty()) co_return;
  status_ = co_await duplex_->status();
  ended_ = true;
  give_up_ns_ = base::steady_clock_ns() + kCloseNs;
  (void)co_await send(Opcode::close, websocket::close_payload(websocket::kNormal, {}));
  changed_.notify();
}

/// Until the connection ends: why.
awaitable<std::string> Client::receive(Link link) {
  websocket::Parser parser(websocket::Side::client, kMaxMessage, nullptr);
  std::vector<char> buffer(size_t{64} << 10);
  error_code error;
  while (true) {
    const size_t size = co_await link->read_some(buffer, error);
    if (error || size == 0) co_return "connection lost";
    heard_ns_ = base::steady_clock_ns();
    std::span<char> bytes(buffer.data(), size);
    while (true) {
      auto event = parser.next(bytes);
      if (!event) {
        (void)co_await send(Opcode::close,
                            websocket::close_payload(event.error().code, event.error().reason));
        co_return std::string(event.error().reason);
      }
      if (!*event) break;
      const websocket::Event taken = std::move(**event);
      if (taken.opcode == Opcode::ping) (void)co_await send(Opcode::pong, taken.payload);
      if (taken.opcode == Opcode::close) {
        if (!ended_) (void)co_await send(Opcode::close, websocket::close_payload(taken.code, {}));
        co_return "closed with " + std::to_string(taken.code) +
            (taken.payload.empty() ? "" : ", " + taken.payload);
      }
      if (taken.opcode != Opcode::text && taken.opcode != Opcode::binary) continue;
      delivering_ = true;
      const bool delivered = co_await duplex_->write(taken.payload);
      delivering_ = false;
      heard_ns_ = base::steady_clock_ns();
      if (delivered || !options_.command.empty()) continue;  // a command may read nothing, and still write
      ended_ = true;                                         // our reader went away
      status_ = 0;
      (void)co_await send(Opcode::close, websocket::close_payload(websocket::kNormal, {}));
      co_return std::string();
    }
  }
}

bool Client::start() {
  if (duplex_) return true;
  if (options_.command.empty()) {
    auto input = process::Child::reading(io_.get_executor(), STDIN_FILENO);
    if (!input) return log_.error(input.error()), false;
    duplex_ = std::make_shared<Standard>(std::move(*input));
  } else {
    auto command =
        websocket::start_command(io_.get_executor(), options_.command, options_.command.front(), log_);
    if (!command) return log_.error(command.error()), false;
    duplex_ = std::move(*command);
  }
  asio::co_spawn(io_, send_lines(), process::rethrow);
  return true;
}

awaitable<void> Client::work() {
  int64_t most_ns = base::kSecond;
  while (!ended_) {
    std::string why = co_await open();
    if (why.empty()) {
      log_.info(options_.url + ": connected");
      most_ns = base::kSecond;
      heard_ns_ = base::steady_clock_ns();
      if (!start()) break;
      changed_.notify();
      const Link link = link_;
      why = co_await receive(link);
      link_ = nullptr;
      link->close();
    }
    if (ended_) break;
    if (refused_ && !duplex_) {
      log_.error(options_.url + ": " + why);
      break;
    }
    // Full jitter, so that many clients of one server do not come back together.
    const int64_t delay =
        static_cast<int64_t>(::arc4random_uniform(static_cast<uint32_t>(most_ns / base::kMillisecond))) *
        base::kMillisecond;
    log_.warning(options_.url + ": " + why + " (again in " + std::to_string(delay / base::kMillisecond) +
                 " ms)");
    most_ns = std::min(2 * most_ns, kMaxDelayNs);
    const int64_t until = base::steady_clock_ns() + delay;
    while (!ended_ && base::steady_clock_ns() < until) {
      co_await changed_.wait(std::chrono::nanoseconds(until - base::steady_clock_ns()));
    }
  }
  not_text_.finish();
  io_.stop();
}

/// What takes too long is given up, and silence is looked into.
awaitable<void> Client::tick() {
  process::Event never(io_.get_executor());
  int64_t pinged_ns = 0;
  while (true) {
    co_await never.wait(std::chrono::milliseconds(500));
    if (options_.command.empty() && reader_gone()) {
      status_ = 0;
      ended_ = true;
      changed_.notify();
      if (link_) link_->close();
    }
    const int64_t now = base::steady_clock_ns();
    const bool silent = link_ && !delivering_ && now - heard_ns_ >= kPingNs;
    if ((now >= give_up_ns_ && give_up_) || (silent && now - heard_ns_ >= kDeadNs)) {
      give_up_ns_ = INT64_MAX;
      give_up_();
    } else if (silent && now - pinged_ns >= kPingNs && !writing_) {
      pinged_ns = now;
      (void)co_await send(Opcode::ping, {});
    }
  }
}

void Client::on_signal() {
  signals_.async_wait([this](const error_code& error, int signal) {
    if (error) return;
    if (!duplex_ || std::exchange(stopping_, true)) {
      status_ = 128 + signal;
      return io_.stop();
    }
    duplex_->close();
    on_signal();
  });
}

int Client::run() {
  on_signal();
  asio::co_spawn(io_, work(), process::rethrow);
  asio::co_spawn(io_, tick(), process::rethrow);
  io_.run();
  return status_;
}

}  // namespace

base::Exit connect(const ConnectOptions& options, cli::Context& context) {
  base::Signals::ignore_pipe();
  const char* const given = std::getenv("WIRELINE_TOKEN");
  std::string token = given == nullptr ? "" : given;
  std::ifstream file(options.token_file);
  const bool read = options.token_file.empty() || std::getline(file, token);
  auto url = parse_url(options.url);
  if (url && (!read || std::ranges::any_of(token, [](char c) { return c <= ' ' || c > '~'; }))) {
    url = base::fail(options.token_file + ": no token in its first line", {}, base::Exit::usage);
  }
  Client client(options, url.value_or(Url{}), std::move(token), context.log);
  const auto ready = url ? client.prepare() : base::Result<void>(std::unexpected(url.error()));
  if (ready) return static_cast<base::Exit>(client.run());
  context.log.error(ready.error());
  return ready.error().exit;
}

}  // namespace wl::wsbridge
