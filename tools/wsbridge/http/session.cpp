#include "tools/wsbridge/http/session.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "libcommon/base/time.h"
#include "tools/wsbridge/http/upload.h"

namespace wl::wsbridge::http {

using base::steady_clock_ns;

namespace {

constexpr int64_t kHeadTime = 10 * base::kSecond;   // for a handshake, a head
constexpr int64_t kStall = 30 * base::kSecond;      // between two pieces of a body
constexpr int64_t kLingerTime = 5 * base::kSecond;  // for the client to read what we said last
constexpr uint64_t kMinRate = 1024;                 // bytes a second of a body, behind its first kHeadTime
constexpr size_t kFirstBuffer = 4096;
constexpr size_t kBodyBuffer = size_t{64} << 10;
constexpr uint64_t kFraming = uint64_t{1} << 20;  // bytes of chunks or of a form beside what they hold
constexpr unsigned kClientGone = 499;             // in the log, as nginx has it

}  // namespace

Session::Session(Connection::Socket socket, ssl_ctx_st* tls, Peer peer, Server& server)
    : server_(server),
      connection_(std::move(socket), tls),
      peer_(std::move(peer)),
      parser_(server.limits_.header_bytes) {
  connection_.patience_ns = server_.limits_.idle_ns;
}

awaitable<void> Session::run() {
  connection_.deadline_ns = steady_clock_ns() + kHeadTime;
  bool more = co_await connection_.handshake();
  while (more) more = co_await exchange();
  connection_.end_output();
  // Closing a socket with bytes unread resets it, and the client may lose the answer: read on for a while.
  connection_.deadline_ns = steady_clock_ns() + kLingerTime;
  more = body_left_ || !buffer_.empty();
  while (more) {
    buffer_.clear();
    more = co_await read_more(kBodyBuffer);
  }
  look_after(0);
}

void Session::look_after(int64_t now_ns) {
  server_.counts_.bytes_out += connection_.written() - counted_;
  counted_ = connection_.written();
  if (now_ns > connection_.deadline_ns) return close();
  if (!connection_.gone || !connection_.peer_gone()) return;
  const auto tell = std::exchange(connection_.gone, nullptr);
  tell();
}

awaitable<bool> Session::exchange() {
  Head head;
  const unsigned status = co_await read_head(head);
  idle_ = false;
  if (status == kClientGone) co_return false;
  const int64_t begun_ns = steady_clock_ns();
  const uint64_t before = connection_.written();
  connection_.deadline_ns = INT64_MAX;
  body_left_ = status != Parser::kWhole || head.has_body;
  Response response;
  if (status == Parser::kWhole) {
    response = co_await ask(head);
  } else {
    response = problem(status);
  }
  connection_.deadline_ns = INT64_MAX;
  if (body_left_ || server_.stopping_) head.keep_alive = false;
  co_await respond(head, response);
  account(head, response.status, connection_.written() - before, begun_ns);
  idle_ = buffer_.empty();
  if (idle_ && buffer_.capacity() > kFirstBuffer) std::string().swap(buffer_);
  co_return head.keep_alive;
}

/// False: the end, or `limit` bytes are there already.
awaitable<bool> Session::read_more(size_t limit) {
  const size_t had = buffer_.size();
  if (had >= limit) co_return false;
  buffer_.resize(limit);
  error_code error;
  const std::span<char> room = std::span(buffer_).subspan(had);
  const size_t size = co_await connection_.read_some(room, error);
  buffer_.resize(had + size);
  co_return size > 0;
}

awaitable<unsigned> Session::read_head(Head& head) {
  if (connection_.deadline_ns == INT64_MAX) {  // not the first
    connection_.deadline_ns = steady_clock_ns() + (idle_ ? server_.limits_.idle_ns : kHeadTime);
  }
  unsigned status = parser_.head(buffer_, head);
  while (status == Parser::kMore) {
    const bool some = co_await read_more(std::max(kFirstBuffer, 2 * buffer_.size()));
    if (!some) co_return kClientGone;
    if (std::exchange(idle_, false)) {
      connection_.deadline_ns = std::min(connection_.deadline_ns, steady_clock_ns() + kHeadTime);
    }
    status = parser_.head(buffer_, head);
  }
  co_return status;
}

awaitable<Response> Session::ask(Head& head) try {
  Request& request = head.request;
  request.peer = peer_;
  Admission admission = co_await server_.handler_.admit(request);
  if (admission.refusal) co_return std::move(*admission.refusal);
  if (head.has_body) {
    const unsigned status = co_await read_body(head, admission);
    if (status != Parser::kWhole) co_return problem(status);
    body_left_ = false;
    connection_.deadline_ns = INT64_MAX;
  }
  request.gone = &connection_.gone;
  Response response = co_await server_.handler_.handle(request);
  connection_.gone = nullptr;
  co_return response;
} catch (const std::exception& failure) {
  connection_.gone = nullptr;
  server_.log_.error(head.request.path + ": " + failure.what());
  co_return problem(500);
}

awaitable<unsigned> Session::read_body(Head& head, const Admission& admission) {
  Request& request = head.request;
  const uint64_t room = std::min(admission.max_bytes, UINT64_MAX / 2);
  std::optional<Upload> upload;
  if (admission.upload_field) upload.emplace(request.header("Content-Type"), *admission.upload_field, room);
  const uint64_t most = room + (upload ? kFraming : 0);
  if (head.length.value_or(1) > most) co_return 413U;
  if (head.expects_continue && buffer_.empty()) {
    if (!co_await write("HTTP/1.1 100 Continue\r\n\r\n")) co_return kClientGone;
  }
  const Sink sink = [&](std::string_view bytes) -> unsigned {
    if (upload) return upload->add(bytes);
    if (bytes.size() > room - request.body.size()) return 413;
    request.body += bytes;
    return 0;
  };
  const int64_t begun_ns = steady_clock_ns();
  uint64_t read = buffer_.size();
  unsigned status = parser_.body(buffer_, sink);
  while (status == Parser::kMore) {
    if (buffer_.size() == kBodyBuffer) co_return 400U;
    if (read > most + kFraming) co_return 413U;
    const int64_t allowed = kHeadTime + static_cast<int64_t>(read / kMinRate) * base::kSecond;
    connection_.deadline_ns = std::min(steady_clock_ns() + kStall, begun_ns + allowed);
    const size_t had = buffer_.size();
    const bool some = co_await read_more(kBodyBuffer);
    if (!some) co_return kClientGone;
    read += buffer_.size() - had;
    status = parser_.body(buffer_, sink);
  }
  if (status == Parser::kWhole && upload) status = upload->finish(request);
  co_return status;
}

awaitable<bool> Session::write(std::string_view first, std::string_view second, std::string_view third) {
  std::array parts{asio::buffer(first), asio::buffer(second), asio::buffer(third)};
  error_code error;
  co_await connection_.write(parts, error);
  connection_.deadline_ns = INT64_MAX;  // of a write that had to wait
  co_return !error;
}

void Session::make_head(const Head& head, Response& response) {
  const auto& length = response.length;
  head_.assign("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
  head_.append(reason(response.status)).append(server_.usual_headers_);
  for (auto& [name, value] : response.headers) {
    // A value may hold what a client sent: it never becomes another header.
    std::ranges::replace_if(value, [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
    head_.append(name).append(": ").append(value).append("\r\n");
  }
  if (length && response.status != 304 && response.status != 204) {
    head_.append("Content-Length: ").append(std::to_string(*length)).append("\r\n");
  } else if (!length && !std::holds_alternative<TakeOver>(response.body) && head.http11) {
    head_ += "Transfer-Encoding: chunked\r\n";
  }
  if (response.status != 101 && (!head.keep_alive || !head.http11)) {
    head_ += head.keep_alive ? "Connection: keep-alive\r\n" : "Connection: close\r\n";
  }
  head_ += "\r\n";
}

awaitable<void> Session::respond(Head& head, Response& response) {
  const auto* const own = std::get_if<std::string>(&response.body);
  const auto* const shared = std::get_if<std::shared_ptr<const std::string>>(&response.body);
  const auto* const maker = std::get_if<BodyMaker>(&response.body);
  const auto* const taken = std::get_if<TakeOver>(&response.body);
  const std::string_view text = own != nullptr ? *own : shared != nullptr ? **shared : std::string_view{};
  if (maker == nullptr && taken == nullptr) response.length = text.size();
  if (!response.length && (taken != nullptr || !head.http11)) head.keep_alive = false;
  make_head(head, response);
  const bool bare = head.head_only || response.status == 304 || response.status == 204;
  bool good = co_await write(head_, bare ? "" : text);
  if (good && !bare && maker != nullptr) {
    const bool chunked = !response.length && head.http11;
    BodySink sink{[this, chunked](std::string_view bytes) { return write_piece(bytes, chunked); },
                  connection_.gone};
    co_await (*maker)(sink);
    connection_.gone = nullptr;
    if (chunked) good = co_await write("0\r\n\r\n");
  }
  if (good && !bare && taken != nullptr) {
    connection_.unread(std::exchange(buffer_, {}));
    std::string().swap(head_);
    connection_.patience_ns = 0;
    co_await (*taken)(connection_);
  }
  if (good) co_return;
  head.keep_alive = false;
  connection_.close();  // an answer that broke off must not look whole
}

awaitable<bool> Session::write_piece(std::string_view bytes, bool chunked) {
  if (bytes.empty()) co_return true;  // in chunks it would be the end
  std::array<char, 24> size{};
  (void)std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
  co_return co_await write(chunked ? size.data() : "", bytes, chunked ? "\r\n" : "");
}

void Session::account(const Head& head, unsigned status, uint64_t bytes, int64_t begun_ns) {
  ++server_.counts_.answers.at(std::min(status / 100, 5U));
  if (!server_.log_.shows(server_.access_log_ ? base::LogLevel::info : base::LogLevel::debug)) return;
  std::array<char, 64> numbers{};
  const double ms = static_cast<double>(steady_clock_ns() - begun_ns) / 1e6;
  (void)std::snprintf(numbers.data(), numbers.size(), " %u %ju %.1fms ", status, uintmax_t{bytes}, ms);
  const std::string line = (head.head_only ? "HEAD" : head.request.method) + " " + head.request.path +
                           numbers.data() + peer_.address;
  server_.access_log_ ? server_.log_.info(line) : server_.log_.debug(line);
}

}  // namespace wl::wsbridge::http
