#include "tools/wsbridge/websocket/session.h"

#include <algorithm>
#include <set>

#include <boost/asio/co_spawn.hpp>

#include "libcommon/base/utf8.h"
#include "tools/wsbridge/http/stream.h"
#include "tools/wsbridge/process/event.h"
#include "tools/wsbridge/websocket/codec.h"
#include "tools/wsbridge/websocket/handshake.h"

namespace wl::wsbridge::websocket {
namespace {

using boost::asio::awaitable;
using stream::Framing;

constexpr size_t kMaxWrite = size_t{256} << 10;
constexpr size_t kMaxPending = size_t{64} << 10;  // answers that wait for the client before reading stops
constexpr size_t kIdleBuffer = 512, kBusyBuffer = size_t{32} << 10;
constexpr int64_t kCloseNs = 5 * base::kSecond;   // for the other end to answer a close frame
constexpr int64_t kFailedNs = 1 * base::kSecond;  // for the other end to read why it is cut off
constexpr int64_t kCheckNs = 5 * base::kSecond;   // between two looks whether the user may still have it

class Session;

}  // namespace

struct Socket::State {
  boost::asio::any_io_executor executor;
  std::vector<Source> sources;
  SocketOptions options;
  SocketCounts counts{};
  std::set<Session*> sessions{};
  Inflater inflater{};
  Deflater deflater{};
  process::Event left{executor};  // the last one has gone
  bool ticking = false, draining = false;
  int64_t next_heartbeat_ns = 0;
};

namespace {

class Session final : public std::enable_shared_from_this<Session> {
 public:
  Session(std::shared_ptr<Socket::State> socket, const Upgrade& terms, OnMessage on_message,
          std::shared_ptr<Duplex> worker, Still still)
      : socket_(std::move(socket)),
        parser_(Side::server, socket_->options.message_bytes, terms.deflate ? &socket_->inflater : nullptr),
        deflate_(terms.deflate_to_client),
        on_message_(std::move(on_message)),
        worker_(std::move(worker)),
        still_(std::move(still)),
        wake_(socket_->executor),
        changed_(socket_->executor) {}

  static awaitable<void> run(std::shared_ptr<Session> self, http::Stream& stream);
  void close(uint16_t code, std::string_view reason, int64_t within_ns = kCloseNs);
  void tick(int64_t now, std::string_view heartbeat);

 private:
  static awaitable<void> write_loop(std::shared_ptr<Session> self);
  static awaitable<void> pump(std::shared_ptr<Session> self);
  static awaitable<void> check(std::shared_ptr<Session> self);
  awaitable<void> read_loop();
  awaitable<void> take(Event event);
  awaitable<void> take_text(std::string_view text);
  awaitable<void> room();
  void control(Opcode opcode, std::string_view payload);
  void say(std::string_view text);
  bool gather(stream::Batch& batch);
  [[nodiscard]] bool over() const { return gone_ || (closing_ && peer_closed_); }

  std::shared_ptr<Socket::State> socket_;
  Parser parser_;
  bool deflate_;
  OnMessage on_message_;
  std::shared_ptr<Duplex> worker_;
  std::function<void()> client_gone_{};  // of the message that is being handled
  Still still_;
  http::Stream* stream_ = nullptr;
  std::vector<std::unique_ptr<stream::Subscription>> subscriptions_{};
  std::string pending_{};          // frames of this client alone
  process::Event wake_, changed_;  // something to write; something was written
  int64_t heard_ns_ = 0, check_ns_ = 0, deadline_ns_ = INT64_MAX;
  bool pinged_ = false;
  bool busy_ = false;         // a message is being handled: nothing can be heard
  bool closing_ = false;      // our close frame is written or in pending_
  bool peer_closed_ = false;  // theirs has come
  bool failed_ = false;       // they broke the protocol
  bool gone_ = false;
  bool writing_ = true;
};

void Session::control(Opcode opcode, std::string_view payload) {
  append_frame(pending_, opcode, payload);
  wake_.notify();
}

void Session::say(std::string_view text) {
  if (closing_) return;
  const std::string stamped = socket_->options.timestamp ? stream::with_timestamp(text) : std::string(text);
  const std::string_view deflated = deflate_ ? socket_->deflater.deflate(stamped) : stamped;
  const bool smaller = deflated.size() < stamped.size();
  append_frame(pending_, Opcode::text, smaller ? deflated : stamped, smaller);
  ++socket_->counts.messages_sent;
  wake_.notify();
}

void Session::close(uint16_t code, std::string_view reason, int64_t within_ns) {
  if (closing_) return;
  closing_ = true;
  deadline_ns_ = base::steady_clock_ns() + within_ns;
  control(Opcode::close, close_payload(code, reason));
}

/// Waits while the client does not take what is for it alone.
awaitable<void> Session::room() {
  while (pending_.size() > kMaxPending && !gone_) co_await changed_.wait();
}

void Session::tick(int64_t now, std::string_view heartbeat) {
  if (now >= deadline_ns_) return stream_->close();
  if (still_ && !closing_ && now >= check_ns_) {
    check_ns_ = now + kCheckNs;
    boost::asio::co_spawn(socket_->executor, check(shared_from_this()), process::rethrow);
  }
  if (busy_ && !gone_ && stream_->peer_gone()) {
    gone_ = true;
    wake_.notify();
    if (client_gone_) client_gone_();
  }
  if (closing_ || busy_) return;
  const int64_t silent = now - heard_ns_;
  if (silent >= 2 * socket_->options.idle_ns) return stream_->close();
  if (silent >= socket_->options.idle_ns && !std::exchange(pinged_, true)) control(Opcode::ping, {});
  if (!heartbeat.empty() && pending_.empty()) say(heartbeat);
}

bool Session::gather(stream::Batch& batch) {
  if (closing_) return false;
  for (size_t i = 0; i < subscriptions_.size(); ++i) {
    if (!subscriptions_[i]->take(kMaxWrite, batch)) {
      close(kTryAgainLater, "too slow for this stream");
      break;
    }
  }
  // Each is first in its turn, which is when it may send a message that is larger than a write.
  if (subscriptions_.size() > 1) std::ranges::rotate(subscriptions_, std::next(subscriptions_.begin()));
  return !batch.parts.empty();
}

awaitable<void> Session::write_loop(std::shared_ptr<Session> self) {
  SocketCounts& counts = self->socket_->counts;
  stream::Batch batch;
  std::string own;
  boost::system::error_code error;
  while (!error && !self->gone_) {
    batch.clear();
    own.clear();
    own.swap(self->pending_);
    if (!own.empty()) batch.parts.emplace_back(own.data(), own.size());
    if (!self->gather(batch) && own.empty()) {
      if (self->over()) break;
      if (self->pending_.empty()) co_await self->wake_.wait();
      continue;
    }
    counts.messages_sent += batch.messages;
    counts.dropped += batch.dropped;
    counts.conflated += batch.conflated;
    co_await self->stream_->write(batch.parts, error);
    counts.bytes += batch.bytes + own.size();
    self->changed_.notify();
  }
  self->gone_ = true;
  self->stream_->close();
  self->writing_ = false;
  if (self->worker_) self->worker_->close();  // whose reader may wait in it
  self->changed_.notify();
}

/// The lines of its worker become messages.
awaitable<void> Session::pump(std::shared_ptr<Session> self) {
  const Duplex::Each say = [session = self.get()](std::string_view line) {
    Utf8Check text;
    const bool good = text.add(line) && text.whole();
    session->say(good ? line : base::wire_text(line));  // a text frame must be UTF-8
  };
  bool more = true;
  while (more && !self->gone_) {
    more = co_await self->worker_->read(say);
    co_await self->room();
  }
  self->close(kNormal, "its worker has ended");
}

/// Ends a socket whose user is not one any more.
awaitable<void> Session::check(std::shared_ptr<Session> self) {
  const bool still = co_await self->still_();
  if (!still) self->close(kPolicy, "the token is no longer good");
}

awaitable<void> Session::take_text(std::string_view text) {
  ++socket_->counts.messages_received;
  if (worker_) {
    const bool taken = co_await worker_->write(text);
    if (!taken) close(kNormal, "its worker has ended");
  } else if (text == "ping") {
    say(stream::with_timestamp(R"({"type":"pong"})"));
  } else if (on_message_) {
    const std::optional<std::string> answer = co_await on_message_(text, client_gone_);
    client_gone_ = nullptr;
    if (answer) say(*answer);
  }
}

awaitable<void> Session::take(Event event) {
  if (event.opcode == Opcode::close) {
    peer_closed_ = true;
    close(event.code, {});
    wake_.notify();
  } else if (event.opcode == Opcode::ping && !closing_) {
    control(Opcode::pong, event.payload);
  } else if (event.opcode == Opcode::binary && !worker_) {
    close(kNotTaken, "this socket takes text alone");
  } else if ((event.opcode == Opcode::text || event.opcode == Opcode::binary) && !closing_) {
    busy_ = true;
    co_await take_text(event.payload);
    busy_ = false;
    heard_ns_ = base::steady_clock_ns();
  }
  co_await room();
}

awaitable<void> Session::read_loop() {
  std::vector<char> buffer(kIdleBuffer);
  while (!peer_closed_) {
    boost::system::error_code error;
    const size_t size = co_await stream_->read_some(buffer, error);
    if (error || size == 0) co_return;
    heard_ns_ = base::steady_clock_ns();
    pinged_ = false;
    std::span<char> bytes(buffer.data(), size);
    while (!failed_ && !peer_closed_) {
      auto event = parser_.next(bytes);
      if (!event) {
        failed_ = true;  // what follows is read and thrown away, or a reset would overtake our close frame
        close(event.error().code, event.error().reason, kFailedNs);
      } else if (*event) {
        Event taken = std::move(**event);
        co_await take(std::move(taken));
      } else {
        break;
      }
    }
    const size_t fitting = size == buffer.size() ? kBusyBuffer
                           : size <= kIdleBuffer ? kIdleBuffer
                                                 : buffer.size();
    if (fitting != buffer.size()) buffer = std::vector<char>(fitting);
  }
}

awaitable<void> tick_all(std::shared_ptr<Socket::State> socket) {
  const SocketOptions& options = socket->options;
  int64_t step = std::min(base::kSecond, std::max(options.idle_ns / 4, base::kMillisecond));
  if (options.heartbeat_ns > 0) step = std::min(step, options.heartbeat_ns);
  while (!socket->sessions.empty()) {
    co_await socket->left.wait(std::chrono::nanoseconds(step));
    const int64_t now = base::steady_clock_ns();
    std::string heartbeat;
    if (options.heartbeat_ns > 0 && now >= socket->next_heartbeat_ns) {
      socket->next_heartbeat_ns = now + options.heartbeat_ns - step / 2;
      heartbeat = R"({"type":"heartbeat","server_time":")" + base::rfc3339(base::wall_clock_ns(), 6) + "\"}";
    }
    for (Session* session : socket->sessions) session->tick(now, heartbeat);
  }
  socket->ticking = false;
}

awaitable<void> Session::run(std::shared_ptr<Session> self, http::Stream& stream) {
  Socket::State& socket = *self->socket_;
  self->stream_ = &stream;
  self->heard_ns_ = base::steady_clock_ns();
  socket.sessions.insert(self.get());
  ++socket.counts.active_connections;
  ++socket.counts.connections;
  if (!socket.options.welcome.empty()) self->say(socket.options.welcome);
  for (const Source& source : socket.sources) {
    auto joined =
        stream::Subscription::join(source.view, self->deflate_ ? Framing::deflated : Framing::text,
                                   source.history, [session = self.get()] { session->wake_.notify(); });
    if (!joined) self->close(kTryAgainLater, "this stream has its one reader");
    if (joined) self->subscriptions_.push_back(std::move(joined));
  }
  if (socket.draining) self->close(kGoingAway, "the server stops");
  if (!std::exchange(socket.ticking, true)) {
    boost::asio::co_spawn(socket.executor, tick_all(self->socket_), process::rethrow);
  }
  boost::asio::co_spawn(socket.executor, write_loop(self), process::rethrow);
  if (self->worker_) boost::asio::co_spawn(socket.executor, pump(self), process::rethrow);

  co_await self->read_loop();
  if (!self->peer_closed_) {
    self->gone_ = true;
    stream.close();
  }
  self->wake_.notify();
  while (self->writing_) co_await self->changed_.wait();
  self->subscriptions_.clear();
  socket.sessions.erase(self.get());
  --socket.counts.active_connections;
  if (socket.sessions.empty()) socket.left.notify();
}

}  // namespace

Socket::Socket(boost::asio::any_io_executor executor, std::vector<Source> sources, SocketOptions options)
    : state_(std::make_shared<State>(std::move(executor), std::move(sources), std::move(options))) {}
Socket::~Socket() = default;

http::Response Socket::upgrade(const http::Request& request, OnMessage on_message,
                               std::shared_ptr<Duplex> worker, Still still) {
  auto upgrade = accept(request);
  if (!upgrade) return std::move(upgrade.error());
  auto session =
      std::make_shared<Session>(state_, *upgrade, std::move(on_message), std::move(worker), std::move(still));
  return {.status = 101,
          .headers = std::move(upgrade->headers),
          .body = http::TakeOver([session](http::Stream& stream) { return Session::run(session, stream); })};
}

boost::asio::awaitable<void> Socket::drain() {
  const std::shared_ptr<State> state = state_;
  state->draining = true;
  for (Session* session : state->sessions) session->close(kGoingAway, "the server stops");
  const int64_t until = base::steady_clock_ns() + kCloseNs + base::kSecond;
  while (!state->sessions.empty() && base::steady_clock_ns() < until) {
    co_await state->left.wait(std::chrono::milliseconds(100));
  }
}

const SocketCounts& Socket::counts() const { return state_->counts; }

}  // namespace wl::wsbridge::websocket
