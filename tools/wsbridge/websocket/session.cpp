#include "tools/wsbridge/websocket/session.h"

#include <algorithm>

#include "libcommon/base/utf8.h"
#include "tools/wsbridge/http/connection.h"

namespace wl::wsbridge::websocket {

using stream::Framing;

namespace {

constexpr size_t kMaxWrite = size_t{256} << 10;
constexpr size_t kMaxPending = size_t{64} << 10;  // answers that wait for the client before reading stops
constexpr size_t kIdleBuffer = 512, kBusyBuffer = size_t{32} << 10;
constexpr int64_t kCloseNs = 5 * base::kSecond;  // for the other end to answer a close frame
constexpr int64_t kCheckNs = 5 * base::kSecond;  // between two looks whether the user may still have it

}  // namespace

/// One connection.
class Session final : public std::enable_shared_from_this<Session> {
 public:
  Session(std::shared_ptr<Socket> socket, const Upgrade& terms, Client client)
      : socket_(std::move(socket)),
        parser_(socket_->limits_.message_bytes, terms.deflate ? &socket_->inflater_ : nullptr),
        deflate_(terms.deflate_to_client),
        client_(std::move(client)) {}

  awaitable<void> run(http::Connection& stream) {
    stream_ = &stream;
    heard_ns_ = base::steady_clock_ns();
    socket_->sessions_.insert(this);
    ++socket_->counts_.active;
    ++socket_->counts_.opened;
    if (!socket_->spec_.welcome.empty()) say(socket_->spec_.welcome);
    for (const auto& view : std::exchange(client_.views, {})) join(view);
    if (socket_->draining_) close(kGoingAway, "the server stops");
    if (!std::exchange(socket_->ticking_, true)) process::spawn(socket_->executor_, socket_, socket_->tick());
    spawn(write_loop());
    if (client_.worker) spawn(read_worker());
    co_await read_loop();
    if (!peer_closed_) leave();
    changed_.notify();
    while (writing_) co_await changed_.wait();
    subscriptions_.clear();
    socket_->sessions_.erase(this);
    --socket_->counts_.active;
  }

  void close(uint16_t code, std::string_view reason) {
    if (std::exchange(closing_, true)) return;
    stream_->deadline_ns = base::steady_clock_ns() + kCloseNs;
    control(Opcode::close, close_payload(code, reason));
  }

  void tick(int64_t now, std::string_view heartbeat) {
    if (client_.still && !closing_ && now >= check_ns_) {
      check_ns_ = now + kCheckNs;
      spawn(check());
    }
    if (closing_ || busy_) return;
    const int64_t silent = now - heard_ns_, idle = socket_->limits_.idle_ns;
    if (silent >= 2 * idle) return stream_->close();
    if (silent >= idle && !std::exchange(pinged_, true)) control(Opcode::ping, {});
    if (!heartbeat.empty() && pending_.empty()) say(heartbeat);
  }

 private:
  void join(const std::shared_ptr<stream::View>& view) {
    auto joined = stream::Subscription::join(view, deflate_ ? Framing::deflated : Framing::text,
                                             view->spec().history, [this] { changed_.notify(); });
    if (!joined) close(kTryAgainLater, "this stream has its one reader");
    if (joined) subscriptions_.push_back(std::move(joined));
  }

  /// It holds this session.
  void spawn(awaitable<void> work) {
    process::spawn(socket_->executor_, shared_from_this(), std::move(work));
  }

  void leave() {
    gone_ = true;
    stream_->close();
    changed_.notify();
  }

  void control(Opcode opcode, std::string_view payload) {
    append_frame(pending_, opcode, payload);
    changed_.notify();
  }

  void say(std::string_view text) {
    if (closing_) return;
    const std::string stamped = socket_->spec_.timestamp ? stream::with_timestamp(text) : std::string(text);
    append_text(pending_, stamped, deflate_ ? &socket_->deflater_ : nullptr);
    ++socket_->counts_.messages;
    changed_.notify();
  }

  /// Waits while the client does not take what is for it alone.
  awaitable<void> room() {
    co_await changed_.until([this] { return pending_.size() <= kMaxPending || gone_; });
  }

  bool gather(stream::Batch& batch) {
    for (size_t i = 0; i < subscriptions_.size() && !closing_; ++i) {
      if (subscriptions_[i]->take(kMaxWrite, batch)) continue;
      ++socket_->counts_.cut;
      close(kTryAgainLater, "too slow for this stream");
    }
    // Each is first in its turn, which is when it may send a message that is larger than a write.
    if (subscriptions_.size() > 1) std::ranges::rotate(subscriptions_, std::next(subscriptions_.begin()));
    return !batch.parts.empty();
  }

  awaitable<void> write_loop() {
    SocketCounts& counts = socket_->counts_;
    stream::Batch batch;
    std::string own;
    error_code error;
    while (!error && !gone_) {
      batch.clear();
      own.clear();
      own.swap(pending_);
      if (!own.empty()) batch.parts.emplace_back(own.data(), own.size());
      if (!gather(batch)) {
        if (closing_ && peer_closed_) break;
        if (pending_.empty()) co_await changed_.wait();
        continue;
      }
      counts.messages += batch.messages;
      counts.dropped += batch.dropped;
      counts.conflated += batch.conflated;
      co_await stream_->write(batch.parts, error);
      counts.bytes += batch.bytes + own.size();
      changed_.notify();
    }
    leave();
    if (client_.worker) {
      co_await client_.worker->stop(std::chrono::seconds(2));
      client_.worker->close();  // somebody who left its group may hold its ends
      client_.worker->close_input();
    }
    writing_ = false;
    changed_.notify();
  }

  /// The lines of its worker become messages.
  awaitable<void> read_worker() {
    process::Lines lines(*client_.worker);
    const std::function<void(std::string_view)> each = [this](std::string_view line) {
      say(base::utf8_text(line));
    };
    bool more = true;
    while (more && !gone_) {
      more = co_await lines.next(each);
      co_await room();
    }
    close(kNormal, "its worker has ended");
  }

  /// Ends a socket whose user is not one any more.
  awaitable<void> check() {
    const bool still = co_await client_.still();
    if (!still) close(kPolicy, "the token is no longer good");
  }

  awaitable<void> take_message(std::string text) {
    ++socket_->counts_.received;
    if (client_.worker) {
      const std::string line = as_line(text);
      const bool taken = co_await client_.worker->write(line);
      if (!taken) close(kNormal, "its worker has ended");
    } else if (text == "ping") {
      say(stream::with_timestamp(R"({"type":"pong"})"));
    } else if (client_.on_message) {
      const std::optional<std::string> answer = co_await client_.on_message(text, stream_->gone);
      if (answer) say(*answer);
    }
  }

  awaitable<void> take(Event event) {
    if (event.opcode == Opcode::close) {
      peer_closed_ = true;
      close(event.code, {});
    } else if (event.opcode == Opcode::ping && !closing_) {
      control(Opcode::pong, event.payload);
    } else if (event.opcode == Opcode::binary && !client_.worker) {
      close(kNotTaken, "this socket takes text alone");
    } else if (event.opcode < Opcode::close && !closing_) {
      busy_ = true;
      stream_->gone = [this] { leave(); };
      co_await take_message(std::move(event.payload));
      stream_->gone = nullptr;
      busy_ = false;
      heard_ns_ = base::steady_clock_ns();
    }
    co_await room();
  }

  awaitable<void> read_loop() {
    std::vector<char> buffer(kIdleBuffer);
    bool failed = false;  // what follows is read and thrown away, or a reset would overtake our close frame
    while (!peer_closed_) {
      error_code error;
      const size_t size = co_await stream_->read_some(buffer, error);
      if (error || size == 0) co_return;
      heard_ns_ = base::steady_clock_ns();
      pinged_ = false;
      std::span<char> bytes(buffer.data(), size);
      while (!failed && !peer_closed_) {
        auto event = parser_.next(bytes);
        failed = !event;
        if (failed) close(event.error().code, event.error().reason);
        if (failed || !*event) break;
        Event taken = std::move(**event);
        co_await take(std::move(taken));
      }
      if (size == buffer.size()) {
        buffer.resize(kBusyBuffer);
      } else if (size <= kIdleBuffer && buffer.size() == kBusyBuffer) {
        buffer = std::vector<char>(kIdleBuffer);
      }
    }
  }

  std::shared_ptr<Socket> socket_;
  Parser parser_;
  bool deflate_;
  Client client_;
  http::Connection* stream_ = nullptr;
  std::vector<std::unique_ptr<stream::Subscription>> subscriptions_{};
  std::string pending_{};                       // frames of this client alone
  process::Event changed_{socket_->executor_};  // something is to be written, or was
  int64_t heard_ns_ = 0, check_ns_ = 0;
  bool pinged_ = false;
  bool busy_ = false;         // a message is being handled: nothing can be heard
  bool closing_ = false;      // our close frame is written or in pending_
  bool peer_closed_ = false;  // theirs has come
  bool gone_ = false;
  bool writing_ = true;
};

http::Response Socket::upgrade(const http::Request& request, Client client) {
  auto terms = accept(request);
  if (!terms) return std::move(terms.error());
  const auto session = std::make_shared<Session>(shared_from_this(), *terms, std::move(client));
  return {.status = 101,
          .headers = std::move(terms->headers),
          .body = http::TakeOver([session](http::Connection& stream) { return session->run(stream); })};
}

/// Looks after all sessions while there are some.
awaitable<void> Socket::tick() {
  const int64_t beat_ns = spec_.heartbeat_ns;
  int64_t step = std::min(base::kSecond, std::max(limits_.idle_ns / 4, base::kMillisecond)), next_beat = 0;
  if (beat_ns > 0) step = std::min(step, beat_ns);
  while (!sessions_.empty()) {
    co_await pause_.wait(std::chrono::nanoseconds(step));
    const int64_t now = base::steady_clock_ns();
    std::string beat;
    if (beat_ns > 0 && now >= next_beat) {
      next_beat = now + beat_ns - step / 2;
      beat = R"({"type":"heartbeat","server_time":")" + base::rfc3339(base::wall_clock_ns(), 6) + "\"}";
    }
    for (Session* session : sessions_) session->tick(now, beat);
  }
  ticking_ = false;
}

awaitable<void> Socket::drain() {
  draining_ = true;
  for (Session* session : sessions_) session->close(kGoingAway, "the server stops");
  const int64_t until = base::steady_clock_ns() + kCloseNs + base::kSecond;
  while (!sessions_.empty() && base::steady_clock_ns() < until)
    co_await pause_.wait(std::chrono::milliseconds(10));
}

}  // namespace wl::wsbridge::websocket
