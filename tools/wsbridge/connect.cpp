#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <regex>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <poll.h>

#include "libcommon/base/signals.h"
#include "libcommon/base/utf8.h"
#include "libcommon/ndjson/output.h"
#include "tools/wsbridge/options.h"
#include "tools/wsbridge/process/child.h"
#include "tools/wsbridge/process/event.h"
#include "tools/wsbridge/websocket/codec.h"

namespace wl::wsbridge {
namespace {

namespace beast = boost::beast;
namespace ws = boost::beast::websocket;
using asio::ip::tcp;
using std::chrono::milliseconds, std::chrono::seconds;

constexpr seconds kOpen{15};  // to connect, and for TLS
constexpr milliseconds kFirstDelay{1000}, kLongestDelay{30'000};
/// To shake hands and to say goodbye; of silence, with a ping at its half.
constexpr ws::stream_base::timeout kPatience{seconds(10), seconds(60), true};
constexpr ws::stream_base::timeout kEndlessPatience{seconds(10), process::Clock::duration::max(), false};

class Client {
 public:
  Client(const ConnectOptions& options, cli::Context& context)
      : options_(options), log_(context.log), output_(context.out) {}

  base::Exit run() {
    if (const auto read = read_options(); !read) return log_.error(read.error()), read.error().exit;
    asio::co_spawn(io_, work(), process::rethrow);
    asio::co_spawn(io_, heed_signals(), process::rethrow);
    io_.run();
    return static_cast<base::Exit>(status_.value_or(1));
  }

 private:
  base::Result<void> read_options() {
    const std::regex url(
        R"re((wss?)://((?:\[([^\]/?#@\s]+)\]|([^\[\]:/?#@\s]+))(?::(\d*))?)((?:[/?][!-"$-~]*)?)(?:#\S*)?)re");
    std::smatch part;
    if (!std::regex_match(options_.url, part, url))
      return base::fail(options_.url + ": not a WebSocket's URL", "ws://HOST:PORT/PATH or wss://…",
                        base::Exit::usage);
    secure_ = part[1] == "wss";
    authority_ = part[2];
    host_ = part[3].str() + part[4].str();
    port_ = part.length(5) != 0 ? part[5].str() : secure_ ? "443" : "80";
    target_ = (part[6].str().starts_with('/') ? "" : "/") + part[6].str();

    if (const char* const given = std::getenv("WIRELINE_TOKEN")) token_ = given;
    std::ifstream file(options_.token_file);
    if ((!options_.token_file.empty() && !std::getline(file, token_)) ||
        std::ranges::any_of(token_, [](char c) { return c <= ' ' || c > '~'; }))
      return base::fail(options_.token_file + ": no token in its first line", {}, base::Exit::usage);

    error_code error;
    tls_.set_verify_mode(asio::ssl::verify_peer);
    tls_.set_verify_callback(asio::ssl::host_name_verification(host_));
    tls_.set_default_verify_paths(error);
    if (!options_.ca_file.empty()) tls_.load_verify_file(options_.ca_file, error);
    if (error) return base::fail(options_.ca_file + ": " + error.message(), "--ca takes certificates in PEM");
    return {};
  }

  awaitable<void> work() {
    while (!status_) {
      const std::string why = co_await connect();
      if (status_) break;
      if (refused_ && !child_) {
        log_.error(options_.url + ": " + why);
        break;
      }
      // Full jitter, so that many clients of one server do not come back together.
      const milliseconds delay(::arc4random_uniform(static_cast<uint32_t>(delay_.count())));
      log_.warning(options_.url + ": " + why + " (again in " + std::to_string(delay.count()) + " ms)");
      delay_ = std::min(delay_ * 2, kLongestDelay);
      (void)co_await changed_.until([this] { return status_.has_value(); }, delay);
    }
    io_.stop();
  }

  /// Connects, and stays until the connection ends: why.
  awaitable<std::string> connect() {
    error_code error;
    auto token = redirect_error(use_awaitable, error);
    tcp::resolver resolver(io_);
    beast::tcp_stream stream(io_);
    stream.expires_after(kOpen);
    const auto found = co_await resolver.async_resolve(host_, port_, token);
    if (!error) co_await stream.async_connect(found, token);
    if (!error) stream.socket().set_option(tcp::no_delay(true), error);
    if (error) co_return error.message();
    if (!secure_) {
      ws::stream<beast::tcp_stream> plain(std::move(stream));
      co_return co_await converse(plain);
    }
    ws::stream<beast::ssl_stream<beast::tcp_stream>> tls(std::move(stream), tls_);
    ::SSL_set_tlsext_host_name(tls.next_layer().native_handle(), host_.c_str());
    co_await tls.next_layer().async_handshake(asio::ssl::stream_base::client, token);
    refused_ = static_cast<bool>(error);
    if (error) co_return error.message();
    co_return co_await converse(tls);
  }

  template <class Stream>
  awaitable<std::string> converse(Stream& stream) {
    error_code error;
    auto token = redirect_error(use_awaitable, error);
    beast::get_lowest_layer(stream).expires_never();
    stream.set_option(kPatience);
    stream.set_option(ws::stream_base::decorator([this](ws::request_type& request) {
      if (!token_.empty()) request.set(beast::http::field::authorization, "Bearer " + token_);
    }));
    stream.read_message_max(process::Lines::kMaxLine);
    ws::response_type answer;
    co_await stream.async_handshake(answer, authority_, target_, token);
    const unsigned status = answer.result_int();
    // What the request did wrong stays wrong: 4xx, but for "too early" and "too often".
    refused_ = error == ws::error::upgrade_declined && status / 100 == 4 && status != 408 && status != 429;
    if (error == ws::error::upgrade_declined)
      co_return "answered " + std::to_string(status) + " " + std::string(answer.reason());
    if (error || !start()) co_return error.message();
    log_.info(options_.url + ": connected");
    delay_ = kFirstDelay;
    connected_ = sending_ = true;
    asio::co_spawn(io_, send(stream), process::rethrow);
    beast::flat_buffer buffer;
    while (!error) {
      co_await stream.async_read(buffer, token);
      if (error) break;
      const std::string line = websocket::as_line(beast::buffers_to_string(buffer.data()));
      buffer.clear();
      stream.set_option(kEndlessPatience);  // nothing can be heard while our side takes no more
      co_await deliver(line);
      stream.set_option(kPatience);
    }
    beast::get_lowest_layer(stream).close();
    connected_ = false;
    changed_.notify();
    while (sending_) co_await changed_.wait();
    if (error != ws::error::closed) co_return error.message();
    const std::string reason(stream.reason().reason.c_str());
    co_return "closed with " + std::to_string(stream.reason().code) + (reason.empty() ? "" : ", ") + reason;
  }

  awaitable<void> deliver(std::string_view line) {
    if (ours_) {
      output_.write(line);
      output_.flush();
      if (output_.state() == ndjson::WriteState::failed) log_.error(output_.error());
      if (!output_.good()) end(output_.state() == ndjson::WriteState::closed ? 0 : 1);
    } else {
      (void)co_await child_->write(line);  // it may read nothing, and still write
    }
  }

  /// The lines go out in their order; each is kept until it is written.
  template <class Stream>
  awaitable<void> send(Stream& stream) {
    error_code error;
    auto token = redirect_error(use_awaitable, error);
    while (connected_ && !error) {
      if (!lines_.empty()) {
        const auto line = asio::buffer(lines_.front());
        co_await stream.async_write(line, token);
        if (!error) lines_.pop_front();
        if (lines_.empty()) changed_.notify();
      } else if (status_) {
        co_await stream.async_close(ws::close_code::normal, token);
        break;
      } else {
        co_await changed_.wait();
      }
    }
    sending_ = false;
    changed_.notify();
  }

  /// At the first connection: what speaks through it.
  bool start() {
    if (child_) return true;
    const auto& command = options_.command;
    auto child = ours_ ? process::Child::reading(io_.get_executor(), STDIN_FILENO)
                       : process::Child::start(io_.get_executor(), std::span(&command, 1),
                                               {.write_input = true, .name = command.front()}, log_);
    if (!child) return log_.error(child.error()), end(1), false;
    child_ = std::move(*child);
    asio::co_spawn(io_, read_lines(), process::rethrow);
    if (ours_) asio::co_spawn(io_, watch_reader(), process::rethrow);
    return true;
  }

  /// While what was read is not sent, the rest waits in the pipe.
  awaitable<void> read_lines() {
    bool any = false, more = true;
    process::Lines lines(*child_);
    const std::function<void(std::string_view)> keep = [this](std::string_view line) {
      lines_.push_back(base::utf8_text(line));
    };
    while (more) {
      more = co_await lines.next(keep);
      any = any || !lines_.empty();
      changed_.notify();
      while (!lines_.empty()) co_await changed_.wait();
    }
    // An input without anything, /dev/null say, ends nothing: messages are still wanted.
    if (!any && ours_) co_return;
    const int status = ours_ ? 0 : co_await child_->wait();
    end(status);
  }

  /// Ends when nobody reads our standard output any more.
  awaitable<void> watch_reader() {
    pollfd output{.fd = STDOUT_FILENO, .events = 0, .revents = 0};
    while (::poll(&output, 1, 0) != 1 || (output.revents & POLLERR) == 0)
      co_await changed_.wait(milliseconds(500));
    end(0);
  }

  /// The first one ends our input, the second one us.
  awaitable<void> heed_signals() {
    asio::signal_set signals(io_, SIGINT, SIGTERM);
    int signal = co_await signals.async_wait(use_awaitable);
    if (child_) {
      if (ours_) end(0);
      if (!ours_) asio::co_spawn(io_, child_->stop(seconds(2)), process::rethrow);
      signal = co_await signals.async_wait(use_awaitable);
    }
    status_ = 128 + signal;
    io_.stop();
  }

  void end(int status) {
    if (!status_) status_ = status;
    changed_.notify();
  }

  const ConnectOptions& options_;
  base::Log& log_;
  ndjson::Output output_;
  bool secure_ = false;
  std::string authority_{}, host_{}, port_{}, target_{}, token_{};
  asio::io_context io_{1};
  asio::ssl::context tls_{asio::ssl::context::tls_client};
  process::Event changed_{io_.get_executor()};
  bool ours_ = options_.command.empty();     // our own standard input and output
  std::shared_ptr<process::Child> child_{};  // null until the first connection
  std::deque<std::string> lines_{};          // read, and not sent
  milliseconds delay_ = kFirstDelay;         // before the next attempt, at most
  bool connected_ = false, sending_ = false;
  bool refused_ = false;         // with an answer that another attempt would not change
  std::optional<int> status_{};  // all lines are sent, or nobody reads
};

}  // namespace

base::Exit connect(const ConnectOptions& options, cli::Context& context) {
  base::Signals::ignore_pipe();
  return Client(options, context).run();
}

}  // namespace wl::wsbridge
