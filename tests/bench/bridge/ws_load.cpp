// ws_load --connect HOST:PORT --path /ws/x --clients N [--deflate] [--stuck N] [--idle S] [--timeout S]:
// WebSocket clients in one thread that count what record_source sends. One JSON line when all are connected;
// one at the end: when every client had the last record, after --timeout, or with --idle after that time.
// --stuck of them never read.
#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "libcommon/base/fd.h"
#include "libcommon/base/time.h"

namespace {

using wl::base::kSecond;

constexpr size_t kHandshakesAtOnce = 200;
constexpr size_t kMostInFrame = size_t{64} << 20;

struct Options {
  std::string host = "127.0.0.1";
  uint16_t port = 0;
  std::string path = "/";
  size_t clients = 1;
  size_t stuck = 0;
  bool deflate = false;
  int64_t idle_ns = 0;
  int64_t timeout_ns = 60 * kSecond;
};

/// Delays in buckets of 20 us up to two seconds.
class Delays {
 public:
  void add(int64_t ns) {
    const auto bucket = static_cast<size_t>(std::max<int64_t>(ns, 0) / kBucket);
    ++counts_[std::min(bucket, counts_.size() - 1)];
    ++count_;
    most_ = std::max(most_, ns);
  }
  /// Milliseconds; everything beyond the last bucket counts as the longest.
  [[nodiscard]] double percentile(double share) const {
    const auto wanted = static_cast<uint64_t>(share * static_cast<double>(count_));
    uint64_t before = 0;
    for (size_t i = 0; i + 1 < counts_.size(); ++i) {
      before += counts_[i];
      if (before > wanted) return static_cast<double>((static_cast<int64_t>(i) + 1) * kBucket) / 1e6;
    }
    return most();
  }
  [[nodiscard]] double most() const { return static_cast<double>(most_) / 1e6; }

 private:
  static constexpr int64_t kBucket = 20'000;
  std::vector<uint64_t> counts_ = std::vector<uint64_t>(100'000);
  uint64_t count_ = 0;
  int64_t most_ = 0;
};

struct Client {
  enum class State : uint8_t { connecting, handshake, open, closed };
  wl::base::Fd fd{};
  State state = State::connecting;
  bool stuck = false;
  bool last = false;    // has the last record
  uint64_t newest = 0;  // number of its newest record
  std::string pending{};
};

struct Frame {
  uint8_t opcode = 0;
  std::string_view payload{};
  size_t size = 0;  // with its head
};

/// The frame that `bytes` begin with; nothing while it is not whole.
std::optional<Frame> frame_of(std::string_view bytes) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  if (bytes.size() < 2) return std::nullopt;
  uint64_t length = byte(1) & 0x7f;
  const size_t more = length == 126 ? 2 : length == 127 ? 8 : 0;
  if (bytes.size() < 2 + more) return std::nullopt;
  if (more != 0) length = 0;
  for (size_t i = 0; i < more; ++i) length = length << 8 | byte(2 + i);
  if (length > kMostInFrame || bytes.size() < 2 + more + length) return std::nullopt;
  return Frame{static_cast<uint8_t>(byte(0) & 0x0f), bytes.substr(2 + more, length), 2 + more + length};
}

/// What record_source has put into a record: its three values stand behind each other.
struct Stamp {
  uint64_t number = 0;  // 0: this is no record of it
  int64_t sent_ns = 0;
  bool last = false;
};

Stamp stamp_of(std::string_view text) {
  constexpr std::string_view kNumber = "\"seq\":";
  constexpr std::string_view kSent = ",\"sent_ns\":";
  constexpr std::string_view kLast = ",\"last\":true";
  constexpr size_t kUsual = 17;  // where the number stands unless something was put before it
  const char* const end = text.data() + text.size();
  const size_t at =
      text.substr(std::min(kUsual, text.size())).starts_with(kNumber) ? kUsual : text.find(kNumber);
  if (at == text.npos) return {};
  Stamp stamp;
  const char* behind = std::from_chars(text.data() + at + kNumber.size(), end, stamp.number).ptr;
  if (!std::string_view(behind, end).starts_with(kSent)) return {};
  behind = std::from_chars(behind + kSent.size(), end, stamp.sent_ns).ptr;
  stamp.last = std::string_view(behind, end).starts_with(kLast);
  return stamp;
}

class Load {
 public:
  explicit Load(Options options) : options_(std::move(options)), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    clients_.resize(options_.clients + options_.stuck);
    for (size_t i = 0; i < options_.stuck; ++i) clients_[i].stuck = true;
  }

  bool connect_all() {
    const int64_t deadline = wl::base::steady_clock_ns() + options_.timeout_ns;
    size_t begun = 0;
    while (open_ + closed_ < clients_.size()) {
      while (begun < clients_.size() && begun - open_ - closed_ < kHandshakesAtOnce) begin(clients_[begun++]);
      wait(100);
      if (wl::base::steady_clock_ns() > deadline) break;
    }
    std::printf("{\"type\":\"connected\",\"clients\":%zu,\"refused\":%zu}\n", open_, clients_.size() - open_);
    std::fflush(stdout);
    return open_ == clients_.size();
  }

  void run() {
    const int64_t begin = wl::base::steady_clock_ns();
    const int64_t end = begin + (options_.idle_ns > 0 ? options_.idle_ns : options_.timeout_ns);
    while (with_last_ + closed_ < options_.clients && wl::base::steady_clock_ns() < end) wait(100);
    report(begin);
  }

 private:
  void begin(Client& client) {
    client.fd = wl::base::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(options_.port);
    ::inet_pton(AF_INET, options_.host.c_str(), &address.sin_addr);
    const int result = ::connect(client.fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    if (result != 0 && errno != EINPROGRESS) return close(client);
    epoll_event event{EPOLLOUT, {.ptr = &client}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, client.fd.get(), &event);
  }

  void close(Client& client) {
    if (client.state == Client::State::closed) return;
    if (client.state == Client::State::open) --open_;
    client.state = Client::State::closed;
    client.fd = {};
    ++closed_;
  }

  void wait(int timeout_ms) {
    std::array<epoll_event, 512> events;
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout_ms);
    for (int i = 0; i < count; ++i) {
      Client& client = *static_cast<Client*>(events.at(static_cast<size_t>(i)).data.ptr);
      if (client.state == Client::State::connecting) {
        say_hello(client);
      } else if (client.state != Client::State::closed) {
        read(client);
      }
    }
  }

  void say_hello(Client& client) {
    std::string hello = "GET " + options_.path + " HTTP/1.1\r\nHost: " + options_.host + ":" +
                        std::to_string(options_.port) +
                        "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    if (options_.deflate) hello += "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
    hello += "\r\n";
    if (::send(client.fd.get(), hello.data(), hello.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(hello.size())) {
      return close(client);
    }
    client.state = Client::State::handshake;
    epoll_event event{EPOLLIN, {.ptr = &client}};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, client.fd.get(), &event);
  }

  void read(Client& client) {
    const ssize_t size = ::recv(client.fd.get(), buffer_.data(), buffer_.size(), 0);
    if (size < 0 && errno == EAGAIN) return;
    if (size <= 0) return close(client);
    const int64_t now = wl::base::wall_clock_ns();
    std::string_view bytes(buffer_.data(), static_cast<size_t>(size));
    if (!client.pending.empty()) bytes = client.pending.append(bytes);
    const size_t used = client.state == Client::State::handshake ? take_head(client, bytes) : 0;
    if (client.state == Client::State::closed) return;
    bytes.remove_prefix(used);
    if (client.state == Client::State::open) bytes.remove_prefix(take_frames(client, bytes, now));
    if (client.state == Client::State::closed) return;
    if (client.pending.empty()) {
      client.pending.assign(bytes);
    } else {
      client.pending.erase(0, client.pending.size() - bytes.size());
    }
    if (client.stuck && client.state == Client::State::open) {
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, client.fd.get(), nullptr);
    }
  }

  size_t take_head(Client& client, std::string_view bytes) {
    const size_t end = bytes.find("\r\n\r\n");
    if (end == bytes.npos) return 0;
    if (!bytes.starts_with("HTTP/1.1 101 ")) {
      close(client);
      return 0;
    }
    deflated_ += bytes.substr(0, end).find("permessage-deflate") != bytes.npos ? 1 : 0;
    client.state = Client::State::open;
    ++open_;
    return end + 4;
  }

  size_t take_frames(Client& client, std::string_view bytes, int64_t now) {
    size_t used = 0;
    while (const auto frame = frame_of(bytes.substr(used))) {
      used += frame->size;
      if (frame->opcode == 8) {
        close(client);
        return used;
      }
      if (frame->opcode == 9) pong(client, frame->payload);
      if (frame->opcode <= 2) take_message(client, frame->payload, now);
    }
    return used;
  }

  static void pong(Client& client, std::string_view payload) {
    std::string frame{static_cast<char>(0x8a), static_cast<char>(0x80 | payload.size())};
    frame.append(4, '\0').append(payload);  // masked with zeros
    (void)!::send(client.fd.get(), frame.data(), frame.size(), MSG_NOSIGNAL);
  }

  void take_message(Client& client, std::string_view text, int64_t now) {
    ++messages_;
    const Stamp stamp = stamp_of(text);
    if (stamp.number == 0) {
      ++others_;
      return;
    }
    if (stamp.number != client.newest + 1) {
      lost_ += stamp.number > client.newest ? stamp.number - client.newest - 1 : 1;
    }
    client.newest = stamp.number;
    delays_.add(now - stamp.sent_ns);
    if (!stamp.last) return;
    client.last = true;
    ++with_last_;
  }

  void report(int64_t begin) const {
    const double seconds = static_cast<double>(wl::base::steady_clock_ns() - begin) / 1e9;
    std::printf(
        "{\"type\":\"result\",\"clients\":%zu,\"complete\":%zu,\"closed\":%zu,\"deflated\":%zu,\"messages\":%"
        "llu,"
        "\"others\":%llu,\"lost\":%llu,\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"max_ms\":%.2f,\"seconds\":%.2f}\n",
        options_.clients, with_last_, closed_, deflated_, static_cast<unsigned long long>(messages_),
        static_cast<unsigned long long>(others_), static_cast<unsigned long long>(lost_),
        delays_.percentile(0.5), delays_.percentile(0.99), delays_.most(), seconds);
  }

  Options options_;
  wl::base::Fd epoll_;
  std::vector<Client> clients_{};
  std::vector<char> buffer_ = std::vector<char>(size_t{64} << 10);
  size_t open_ = 0, closed_ = 0, with_last_ = 0, deflated_ = 0;
  uint64_t messages_ = 0, others_ = 0, lost_ = 0;
  Delays delays_{};
};

std::optional<Options> parse(int argc, char** argv) {
  static constexpr std::array<option, 9> kOptions{{{"connect", required_argument, nullptr, 'c'},
                                                   {"path", required_argument, nullptr, 'p'},
                                                   {"clients", required_argument, nullptr, 'n'},
                                                   {"deflate", no_argument, nullptr, 'd'},
                                                   {"stuck", required_argument, nullptr, 's'},
                                                   {"idle", required_argument, nullptr, 'i'},
                                                   {"timeout", required_argument, nullptr, 't'},
                                                   {nullptr, 0, nullptr, 0}}};
  Options options;
  const auto seconds = [] { return static_cast<int64_t>(std::atof(optarg) * 1e9); };
  for (int name = 0; (name = ::getopt_long(argc, argv, "", kOptions.data(), nullptr)) != -1;) {
    const std::string value = optarg == nullptr ? "" : optarg;
    switch (name) {
      case 'c':
        options.host = value.substr(0, value.rfind(':'));
        options.port = static_cast<uint16_t>(std::atoi(value.substr(value.rfind(':') + 1).c_str()));
        break;
      case 'p': options.path = value; break;
      case 'n': options.clients = static_cast<size_t>(std::atol(optarg)); break;
      case 'd': options.deflate = true; break;
      case 's': options.stuck = static_cast<size_t>(std::atol(optarg)); break;
      case 'i': options.idle_ns = seconds(); break;
      case 't': options.timeout_ns = seconds(); break;
      default: return std::nullopt;
    }
  }
  if (options.port == 0) return std::nullopt;
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = parse(argc, argv);
  if (!options) {
    std::fputs(
        "usage: ws_load --connect HOST:PORT --path PATH --clients N [--deflate] [--stuck N] [--idle S] "
        "[--timeout S]\n",
        stderr);
    return 2;
  }
  Load load(*options);
  if (!load.connect_all()) return 1;
  load.run();
  return 0;
}
