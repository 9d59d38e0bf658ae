// blast --interface IF --rate PPS (--seconds S | --count N) [--size BYTES] [--flows N]: sends numbered frames
// at an even pace, for the live tests and benchmarks. Each frame is UDP in IPv4 to an address and a MAC that
// nobody has; its payload is a stamp: magic, sequence number, time of sending. One JSON object on stdout says
// what was sent. SIGINT and SIGTERM end it early.
#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "libcommon/base/fd.h"
#include "libcommon/base/signals.h"
#include "libcommon/base/time.h"
#include "libcommon/base/units.h"

namespace {

using wl::base::kSecond;

constexpr size_t kHeaders = 14 + 20 + 8;
constexpr size_t kStamp =
    24;  // magic, sequence number, time of sending in ns since 1970: 8 bytes each, big-endian
constexpr std::string_view kMagic = "WLBLAST1";
constexpr size_t kBatch = 64;
constexpr int64_t kShortestNap = 50'000;  // ns; below it the frames that fall due go out together

struct Options {
  std::string interface{};
  uint64_t rate = 0;
  uint64_t count = 0;
  size_t size = 100;
  uint64_t flows = 64;
};

std::optional<uint64_t> number(std::string_view text, uint64_t low, uint64_t high) {
  const auto value = wl::base::parse_number(text, high);
  if (!value || *value < low) return std::nullopt;
  return *value;
}

std::optional<Options> parse(std::span<char*> arguments) {
  Options options;
  double seconds = 0;
  for (size_t i = 1; i + 1 < arguments.size(); i += 2) {
    const std::string_view flag = arguments[i];
    const std::string_view value = arguments[i + 1];
    if (flag == "--interface") {
      options.interface = value;
    } else if (flag == "--seconds") {
      const auto duration = wl::base::parse_duration(value);
      if (!duration) return std::nullopt;
      seconds = static_cast<double>(*duration) / 1e9;
    } else if (flag == "--rate") {
      options.rate = number(value, 1, 100'000'000).value_or(0);
    } else if (flag == "--count") {
      options.count = number(value, 1, UINT64_MAX).value_or(0);
    } else if (flag == "--size") {
      options.size = number(value, kHeaders + kStamp, 1514).value_or(0);
    } else if (flag == "--flows") {
      options.flows = number(value, 1, 60'000).value_or(0);
    } else {
      return std::nullopt;
    }
  }
  if (options.count == 0) options.count = static_cast<uint64_t>(static_cast<double>(options.rate) * seconds);
  const bool whole = arguments.size() % 2 == 1 && !options.interface.empty() && options.rate > 0 &&
                     options.count > 0 && options.size > 0 && options.flows > 0;
  return whole ? std::optional(options) : std::nullopt;
}

void put(std::vector<uint8_t>& out, size_t at, uint64_t value, size_t width) {
  for (size_t i = width; i-- > 0; value >>= 8U) out[at + i] = static_cast<uint8_t>(value);
}

/// A frame without stamp and source port; the IP checksum holds for all of them.
std::vector<uint8_t> make_frame(size_t size) {
  std::vector<uint8_t> frame(size);
  constexpr std::array<uint8_t, 14> kEthernet{2, 0, 0, 0, 0, 0xB2, 2, 0, 0, 0, 0, 0xB1, 8, 0};
  std::ranges::copy(kEthernet, frame.begin());
  put(frame, 14, 0x4500, 2);
  put(frame, 16, size - 14, 2);
  put(frame, 20, 0x4000, 2);
  put(frame, 22, 0x4011, 2);
  put(frame, 26, 0xC6120001, 4);  // 198.18.0.1 → 198.19.0.1 (RFC 2544)
  put(frame, 30, 0xC6130001, 4);
  uint32_t sum = 0;
  for (size_t at = 14; at < 34; at += 2) sum += static_cast<uint32_t>(frame[at] << 8U) | frame[at + 1];
  while (sum > 0xFFFF) sum = (sum & 0xFFFFU) + (sum >> 16U);
  put(frame, 24, ~sum & 0xFFFFU, 2);
  put(frame, 36, 9, 2);  // discard
  put(frame, 38, size - 34, 2);
  std::ranges::copy(kMagic, frame.begin() + kHeaders);
  return frame;
}

wl::base::Fd open_socket(const std::string& interface) {
  wl::base::Fd fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));  // protocol 0: receives nothing
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = static_cast<int>(::if_nametoindex(interface.c_str()));
  if (!fd || address.sll_ifindex == 0 ||
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return {};
  const int on = 1;
  ::setsockopt(fd.get(), SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on);
  return fd;
}

class Sender {
 public:
  Sender(int fd, const Options& options) : fd_(fd), options_(options) {
    for (size_t i = 0; i < kBatch; ++i) {
      frames_.push_back(make_frame(options.size));
      vectors_[i] = {frames_[i].data(), frames_[i].size()};
      messages_[i].msg_hdr.msg_iov = &vectors_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
    }
  }

  /// Sends up to `due` frames; false when the interface refuses for good.
  bool send(uint64_t due) {
    const auto wanted = static_cast<unsigned>(std::min<uint64_t>(due, kBatch));
    for (unsigned i = 0; i < wanted; ++i) {
      const uint64_t sequence = sent_ + i;
      put(frames_[i], 34, 1024 + sequence % options_.flows, 2);
      put(frames_[i], kHeaders + 8, sequence, 8);
      put(frames_[i], kHeaders + 16, static_cast<uint64_t>(wl::base::wall_clock_ns()), 8);
    }
    const int done = ::sendmmsg(fd_, messages_.data(), wanted, 0);
    if (done > 0) sent_ += static_cast<uint64_t>(done);
    if (done < 0) ++refused_;
    return done >= 0 || errno == ENOBUFS || errno == EAGAIN || errno == EINTR;
  }

  [[nodiscard]] uint64_t sent() const { return sent_; }
  [[nodiscard]] uint64_t refused() const { return refused_; }

 private:
  int fd_;
  const Options& options_;
  std::vector<std::vector<uint8_t>> frames_;
  std::array<iovec, kBatch> vectors_{};
  std::array<mmsghdr, kBatch> messages_{};
  uint64_t sent_ = 0;
  uint64_t refused_ = 0;
};

void nap(int64_t ns) {
  const timespec time{ns / kSecond, ns % kSecond};
  ::nanosleep(&time, nullptr);
}

/// Frame k is due k/rate seconds after the start. Returns false when the interface refused.
bool run(Sender& sender, const Options& options) {
  const double per_ns = static_cast<double>(options.rate) / 1e9;
  const int64_t start = wl::base::steady_clock_ns();
  while (sender.sent() < options.count && !wl::base::Signals::stop_requested()) {
    const auto elapsed = static_cast<double>(wl::base::steady_clock_ns() - start);
    const uint64_t due = std::min(options.count, static_cast<uint64_t>(elapsed * per_ns) + 1);
    if (due > sender.sent()) {
      if (!sender.send(due - sender.sent())) return false;
    } else {
      const auto until_next = static_cast<int64_t>(static_cast<double>(sender.sent()) / per_ns - elapsed);
      nap(std::max(until_next, kShortestNap));
    }
  }
  return true;
}

void report(const Sender& sender, const Options& options, int64_t begin, int64_t end) {
  const double seconds = static_cast<double>(end - begin) / 1e9;
  std::printf(
      "{\"type\":\"blast\",\"sent\":%llu,\"bytes\":%llu,\"duration_s\":%.6f,\"rate_pps\":%.0f,\"refused\":%"
      "llu}\n",
      static_cast<unsigned long long>(sender.sent()),
      static_cast<unsigned long long>(sender.sent() * options.size), seconds,
      static_cast<double>(sender.sent()) / seconds, static_cast<unsigned long long>(sender.refused()));
}

}  // namespace

int main(int argc, char** argv) {
  const std::optional<Options> options = parse({argv, static_cast<size_t>(argc)});
  if (!options) {
    std::fputs(
        "usage: blast --interface IF --rate PPS (--seconds S | --count N) [--size BYTES] [--flows N]\n",
        stderr);
    return 2;
  }
  const wl::base::Fd fd = open_socket(options->interface);
  if (!fd) {
    std::fprintf(stderr, "blast: %s: %s\n", options->interface.c_str(), std::strerror(errno));
    return 1;
  }
  wl::base::Signals::catch_stop();
  ::prctl(PR_SET_TIMERSLACK, 1);
  Sender sender(fd.get(), *options);
  const int64_t begin = wl::base::steady_clock_ns();
  const bool sent = run(sender, *options);
  const int refusal = errno;
  report(sender, *options, begin, wl::base::steady_clock_ns());
  if (!sent) std::fprintf(stderr, "blast: %s: %s\n", options->interface.c_str(), std::strerror(refusal));
  return sent ? 0 : 1;
}
