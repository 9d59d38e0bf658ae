#include "tools/wsbridge/http/session.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <strings.h>

#include "libcommon/base/time.h"
#include "tools/wsbridge/http/conditional.h"
#include "tools/wsbridge/http/file_answer.h"
#include "tools/wsbridge/http/upload.h"

namespace wl::wsbridge::http {

using boost::asio::awaitable;
using boost::system::error_code;

namespace {

constexpr int64_t kHeadTime = 10 * base::kSecond;   // for a handshake, a head
constexpr int64_t kStall = 30 * base::kSecond;      // between two pieces of a body
constexpr int64_t kLingerTime = 5 * base::kSecond;  // for the client to read what we said last
constexpr uint64_t kMinRate = 1024;                 // bytes a second of a body, behind its first kHeadTime
constexpr size_t kFirstBuffer = 4096;
constexpr size_t kBodyBuffer = size_t{64} << 10;
constexpr uint64_t kIgnoredBody = 4096;  // of a GET
constexpr size_t kFileBlock = size_t{128} << 10;
constexpr unsigned kClientGone = 499;  // in the log, as nginx has it

/// A failure of the protocol itself, as RFC 9457 has it.
Response problem(unsigned status) {
  std::string text = "{\"type\":\"about:blank\",\"title\":\"";
  text.append(reason_phrase(status)).append("\",\"status\":").append(std::to_string(status)).append("}\n");
  return {
      .status = status, .headers = {{"Content-Type", "application/problem+json"}}, .body = std::move(text)};
}

bool same_word(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

/// A body that stays in memory.
class Text final : public Sink {
 public:
  Text(std::string& out, uint64_t room) : out_(out), room_(room) {}
  unsigned add(std::string_view bytes) override {
    if (bytes.size() > room_) return 413;
    room_ -= bytes.size();
    out_ += bytes;
    return 0;
  }

 private:
  std::string& out_;
  uint64_t room_;
};

}  // namespace

Session::Session(boost::asio::any_io_executor executor, base::Fd socket, ssl_ctx_st* tls, Peer peer,
                 Common& common)
    : common_(common), connection_(std::move(executor), std::move(socket), tls), peer_(std::move(peer)) {
  connection_.patience_ns = common.options.limits.idle_ns;
}

awaitable<void> Session::run() {
  connection_.deadline_ns = base::steady_clock_ns() + kHeadTime;
  bool more = co_await connection_.handshake();
  while (more) more = co_await exchange();
  if (body_left_ || at_ != end_) co_await linger();
  connection_.end_output();
  look_after(0);
}

void Session::look_after(int64_t now_ns) {
  common_.counts.bytes_out += connection_.written() - counted_;
  counted_ = connection_.written();
  if (now_ns > connection_.deadline_ns) return close();
  if (gone_ == nullptr || !*gone_ || !connection_.peer_gone()) return;
  const auto tell = std::exchange(*gone_, nullptr);
  tell();
}

awaitable<bool> Session::exchange() {
  Parser::Outcome<Head> read = co_await read_head();
  idle_ = false;
  if (!read && read.error() == 0) co_return false;
  const int64_t begun_ns = base::steady_clock_ns();
  const uint64_t before = connection_.written();
  connection_.deadline_ns = INT64_MAX;
  Head head = read ? std::move(*read) : Head{.http11 = true};
  body_left_ = !read || head.has_body;
  Response response = read ? Response{} : problem(read.error());
  if (read) response = co_await ask(head);
  connection_.deadline_ns = INT64_MAX;
  if (body_left_ || common_.stopping) head.keep_alive = false;
  co_await respond(head, response);
  account(head, response.status, connection_.written() - before, begun_ns);
  idle_ = at_ == end_;
  if (idle_ && buffer_.size() > kFirstBuffer) {
    buffer_ = {};
    at_ = end_ = 0;
  }
  co_return head.keep_alive;
}

awaitable<bool> Session::read_more(size_t limit) {
  if (at_ == end_) at_ = end_ = 0;
  if (end_ == buffer_.size()) {
    if (at_ > 0) {
      std::memmove(buffer_.data(), buffer_.data() + at_, end_ - at_);
      end_ -= std::exchange(at_, 0);
    } else if (buffer_.size() < limit) {
      buffer_.resize(std::min(limit, std::max(kFirstBuffer, 2 * buffer_.size())));
    } else {
      co_return false;
    }
  }
  error_code error;
  const std::span<char> room = std::span(buffer_).subspan(end_);
  const size_t size = co_await connection_.read_some(room, error);
  end_ += size;
  co_return size > 0;
}

/// A status of 0 instead of a head: there is no further request.
awaitable<Parser::Outcome<Head>> Session::read_head() {
  const size_t limit = common_.options.limits.header_bytes;
  if (connection_.deadline_ns == INT64_MAX) {  // not the first
    connection_.deadline_ns = base::steady_clock_ns() + (idle_ ? common_.options.limits.idle_ns : kHeadTime);
  }
  for (size_t line = 0;;) {
    while (line == 0 && unread().starts_with("\r\n")) at_ += 2;  // RFC 9112, 2.2
    const Parser::Outcome<size_t> size = Parser::find_head(unread(), line);
    if (!size) co_return std::unexpected(size.error());
    if (*size > limit || (*size == 0 && unread().size() >= limit))
      co_return std::unexpected(line == 0 ? 414U : 431U);
    if (*size > 0) {
      const std::string_view bytes = unread().substr(0, *size);
      at_ += *size;
      co_return parser_.parse_head(bytes);
    }
    if (!co_await read_more(limit)) co_return std::unexpected(0U);
    if (std::exchange(idle_, false)) {
      connection_.deadline_ns = std::min(connection_.deadline_ns, base::steady_clock_ns() + kHeadTime);
    }
  }
}

awaitable<Response> Session::ask(Head& head) try {
  Request& request = head.request;
  request.peer = peer_;
  Admission admission = co_await common_.handler.admit(request);
  if (admission.refusal) co_return std::move(*admission.refusal);
  if (head.has_body) {
    const unsigned status = co_await read_body(head, admission);
    if (status != 0) co_return problem(status);
    body_left_ = false;
    connection_.deadline_ns = INT64_MAX;
  }
  gone_ = &request.gone;
  Response response = co_await common_.handler.handle(request);
  gone_ = nullptr;
  co_return response;
} catch (const std::exception& failure) {
  gone_ = nullptr;
  common_.log.error(head.request.path + ": " + failure.what());
  co_return problem(500);
}

awaitable<unsigned> Session::read_body(Head& head, const Admission& admission) {
  Request& request = head.request;
  const bool upload = admission.upload_field.has_value();
  const bool ignored = !upload && admission.max_bytes == 0 && request.method == "GET" && head.length;
  const uint64_t room = ignored ? kIgnoredBody : std::min(admission.max_bytes, UINT64_MAX / 2);
  if (head.length.value_or(1) > room + (upload ? Upload::kMaxOverhead : 0)) co_return 413U;
  if (head.expects_continue && at_ == end_) {
    if (!co_await write("HTTP/1.1 100 Continue\r\n\r\n")) co_return kClientGone;
  }
  if (!upload) {
    Text text(request.body, room);
    const unsigned status = co_await receive(head, text);
    if (ignored) request.body.clear();
    co_return status;
  }
  std::string& directory = common_.upload_directory;
  if (directory.empty()) {
    directory = std::filesystem::temp_directory_path() / "wsbridge-XXXXXX";
    if (::mkdtemp(directory.data()) == nullptr) {
      common_.log.error(directory + ": " + base::errno_text(errno));
      directory.clear();
      co_return 507U;
    }
  }
  Upload file(directory, request.header("Content-Type"), *admission.upload_field, room);
  const unsigned status = co_await receive(head, file);
  co_return status != 0 ? status : file.finish(request);
}

awaitable<unsigned> Session::receive(const Head& head, Sink& sink) {
  const int64_t begun_ns = base::steady_clock_ns();
  if (head.length.value_or(kBodyBuffer) > kFirstBuffer) buffer_.resize(std::max(buffer_.size(), kBodyBuffer));
  for (uint64_t bytes = 0;;) {
    if (at_ != end_) {
      const Parser::Outcome<size_t> used = parser_.body(unread(), sink);
      if (!used) co_return used.error();
      at_ += *used;
      bytes += *used;
      if (parser_.done()) co_return 0U;
    }
    const int64_t allowed = kHeadTime + static_cast<int64_t>(bytes / kMinRate) * base::kSecond;
    connection_.deadline_ns = std::min(base::steady_clock_ns() + kStall, begun_ns + allowed);
    if (!co_await read_more(kBodyBuffer)) co_return end_ - at_ == kBodyBuffer ? 400U : kClientGone;
  }
}

awaitable<bool> Session::write(std::string_view first, std::string_view second, std::string_view third) {
  const std::array<boost::asio::const_buffer, 3> parts{
      boost::asio::buffer(first), boost::asio::buffer(second), boost::asio::buffer(third)};
  error_code error;
  co_await connection_.write(std::span(parts).first(third.empty() ? 2 : 3), error);
  co_return !error;
}

void Session::make_head(const Head& head, const Response& response, std::optional<uint64_t> length) {
  if (const time_t now = ::time(nullptr); now != common_.date_of) {
    common_.date_of = now;
    common_.date =
        "Date: " + http_date(now) +
        "\r\nServer: wireline\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n";
  }
  std::array<char, 24> number;
  const auto digits = [&](uint64_t value) {
    return std::string_view(number.data(), std::to_chars(number.begin(), number.end(), value).ptr);
  };
  head_.assign("HTTP/1.1 ").append(digits(response.status)).append(" ");
  head_.append(reason_phrase(response.status)).append("\r\n").append(common_.date);
  bool framed = false, connection = false;
  for (const auto& [name, value] : response.headers) {
    head_.append(name).append(": ");
    const size_t from = head_.size();
    head_ += value;
    // A value may hold what a client sent: it never becomes another header.
    std::replace_if(
        head_.begin() + static_cast<ptrdiff_t>(from), head_.end(),
        [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
    head_ += "\r\n";
    framed = framed || same_word(name, "Content-Security-Policy") || same_word(name, "X-Frame-Options");
    connection = connection || same_word(name, "Connection");
  }
  if (!framed) head_ += "X-Frame-Options: DENY\r\n";
  if (length && response.status != 304 && response.status != 204) {
    head_.append("Content-Length: ").append(digits(*length)).append("\r\n");
  } else if (!length && !std::holds_alternative<TakeOver>(response.body) && head.http11) {
    head_ += "Transfer-Encoding: chunked\r\n";
  }
  if (!connection && (!head.keep_alive || !head.http11)) {
    head_ += head.keep_alive ? "Connection: keep-alive\r\n" : "Connection: close\r\n";
  }
  head_ += "\r\n";
}

awaitable<void> Session::respond(Head& head, Response& response) {
  FileAnswer file;
  if (auto* const body = std::get_if<FileBody>(&response.body)) {
    file = prepare_file(head.request, *body, response);
    if (!file.fd) response.body = problem(response.status).body;
  }
  std::string_view text;
  if (const auto* const own = std::get_if<std::string>(&response.body)) text = *own;
  if (const auto* const shared = std::get_if<std::shared_ptr<const std::string>>(&response.body))
    text = **shared;
  auto* const source = std::get_if<std::unique_ptr<BodySource>>(&response.body);
  auto* const taken = std::get_if<TakeOver>(&response.body);
  if (taken != nullptr || (source != nullptr && !head.http11)) head.keep_alive = false;
  std::optional<uint64_t> length;
  if (source == nullptr && taken == nullptr) length = file.fd ? file.size : text.size();
  make_head(head, response, length);

  bool good = true;
  if (head.head_only || response.status == 304 || response.status == 204) {
    good = co_await write(head_);
  } else if (source != nullptr) {
    good = co_await send_source(**source, head.http11);
  } else if (file.fd && file.size > 0) {
    good = co_await send_file(file.fd->get(), file.offset, file.size);
  } else {
    good = co_await write(head_, text);
  }
  if (taken != nullptr && good && !head.head_only) {
    connection_.unread(std::string(unread()));
    at_ = end_ = 0;
    buffer_ = head_ = {};
    connection_.patience_ns = 0;
    co_await (*taken)(connection_);
  }
  if (!good) {
    head.keep_alive = false;
    connection_.close();  // an answer that broke off must not look whole
  }
}

awaitable<bool> Session::send_file(int file, uint64_t offset, uint64_t size) {
  std::string block;
  for (bool first = true; size > 0; first = false) {
    block.resize(std::min<uint64_t>(size, kFileBlock));
    const ssize_t got = ::pread(file, block.data(), block.size(), static_cast<off_t>(offset));
    if (got <= 0) co_return false;  // shorter than it was
    const std::string_view bytes(block.data(), static_cast<size_t>(got));
    if (!co_await write(first ? std::string_view(head_) : std::string_view{}, bytes)) co_return false;
    offset += bytes.size();
    size -= bytes.size();
    if (size > 0)
      co_await boost::asio::post(connection_.executor(), boost::asio::use_awaitable);  // others first
  }
  co_return true;
}

awaitable<bool> Session::send_source(BodySource& source, bool chunked) {
  if (!co_await write(head_)) co_return false;
  std::function<void()> tell = [&source] { source.gone(); };
  for (;;) {
    gone_ = &tell;
    const std::optional<std::string> piece = co_await source.next();
    gone_ = nullptr;
    if (!piece) break;
    std::array<char, 24> size{};
    const int digits = chunked ? std::snprintf(size.data(), size.size(), "%zx\r\n", piece->size()) : 0;
    const std::string_view front(size.data(), static_cast<size_t>(digits));
    if (!piece->empty() && !co_await write(front, *piece, chunked ? "\r\n" : "")) co_return false;
  }
  if (!chunked) co_return true;
  co_return co_await write("0\r\n\r\n");
}

/// Closing a socket with bytes unread resets it, and the client may lose the answer: read on for a while.
awaitable<void> Session::linger() {
  connection_.end_output();
  connection_.deadline_ns = base::steady_clock_ns() + kLingerTime;
  for (bool more = true; more;) {
    at_ = end_ = 0;
    more = co_await read_more(kBodyBuffer);
  }
}

void Session::account(const Head& head, unsigned status, uint64_t bytes, int64_t begun_ns) {
  ++common_.counts.answers.at(std::min(status / 100, 5U));
  const base::LogLevel level = common_.options.access_log ? base::LogLevel::info : base::LogLevel::debug;
  if (!common_.log.shows(level)) return;
  std::array<char, 64> numbers{};
  const double ms = static_cast<double>(base::steady_clock_ns() - begun_ns) / 1e6;
  (void)std::snprintf(numbers.data(), numbers.size(), " %u %llu %.1fms ", status,
                      static_cast<unsigned long long>(bytes), ms);
  const std::string line = (head.head_only ? "HEAD" : head.request.method) + " " + head.request.path +
                           numbers.data() + peer_.address;
  if (common_.options.access_log) {
    common_.log.info(line);
  } else {
    common_.log.debug(line);
  }
}

}  // namespace wl::wsbridge::http
