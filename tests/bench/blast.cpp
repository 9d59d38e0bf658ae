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
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
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
constexpr uint32_t kJoinedLimit = 512;    // bytes; the kernel takes no less than about 320
constexpr size_t kLargestBurst = 64;      // UDP_MAX_SEGMENTS of older kernels
constexpr int64_t kShortestNap = 50'000;  // ns; below it the frames that fall due go out together

/// struct virtio_net_hdr, which stands before each frame given to a packet socket with PACKET_VNET_HDR;
/// <linux/virtio_net.h> is not C++.
struct Segmentation {
  uint8_t flags = 0;
  uint8_t type = 0;
  uint16_t header_size = 0;
  uint16_t segment_size = 0;
  uint16_t checksum_start = 0;
  uint16_t checksum_offset = 0;
};
constexpr uint8_t kNeedsChecksum = 1;  // VIRTIO_NET_HDR_F_NEEDS_CSUM
constexpr uint8_t kUdpSegments = 5;    // VIRTIO_NET_HDR_GSO_UDP_L4

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

uint32_t sum16(std::span<const uint8_t> bytes) {
  uint32_t sum = 0;
  for (size_t at = 0; at + 1 < bytes.size(); at += 2)
    sum += static_cast<uint32_t>(bytes[at] << 8U) | bytes[at + 1];
  while (sum > 0xFFFF) sum = (sum & 0xFFFFU) + (sum >> 16U);
  return sum;
}

/// Ethernet, IPv4 and UDP; lengths, checksums and the source port are filled in for each burst.
std::vector<uint8_t> make_header() {
  std::vector<uint8_t> header(kHeaders);
  constexpr std::array<uint8_t, 14> kEthernet{2, 0, 0, 0, 0, 0xB2, 2, 0, 0, 0, 0, 0xB1, 8, 0};
  std::ranges::copy(kEthernet, header.begin());
  put(header, 14, 0x4500, 2);
  put(header, 20, 0x4000, 2);
  put(header, 22, 0x4000U | IPPROTO_UDP, 2);
  put(header, 26, 0xC6120001, 4);  // 198.18.0.1 → 198.19.0.1 (RFC 2544)
  put(header, 30, 0xC6130001, 4);
  put(header, 36, 9, 2);  // discard
  return header;
}

/// Has the kernel cut bursts apart before they reach the interface, where a capture would see them joined:
/// the same as `ip link set dev IF gso_max_size 512`.
bool forbid_joined_frames(int interface_index) {
  struct {
    nlmsghdr header{};
    ifinfomsg link{};
    rtattr attribute{};
    uint32_t size = kJoinedLimit;
  } request;
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = RTM_NEWLINK;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
  request.link.ifi_index = interface_index;
  request.attribute.rta_len = RTA_LENGTH(sizeof request.size);
  request.attribute.rta_type = IFLA_GSO_MAX_SIZE;
  struct {
    nlmsghdr header{};
    nlmsgerr error{};
    std::array<char, 512> rest{};
  } answer;
  const wl::base::Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (::send(fd.get(), &request, sizeof request, 0) != sizeof request ||
      ::recv(fd.get(), &answer, sizeof answer, 0) < 0)
    return false;
  errno = -answer.error.error;
  return errno == 0;
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
  if (::setsockopt(fd.get(), SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) != 0 ||
      !forbid_joined_frames(address.sll_ifindex))
    return {};
  return fd;
}

/// Several frames go to the kernel as one: it cuts them apart again (UDP segmentation), which costs a third
/// of sending them one by one. They share a source port.
class Sender {
 public:
  Sender(int fd, const Options& options)
      : fd_(fd),
        options_(options),
        header_(make_header()),
        payload_(options.size - kHeaders),
        largest_(std::min(kLargestBurst, (UINT16_MAX - kHeaders) / payload_)),
        bytes_(largest_ * payload_) {
    for (size_t i = 0; i < largest_; ++i) std::ranges::copy(kMagic, bytes_.begin() + offset(i * payload_));
  }

  /// Sends up to `due` frames; false when the interface refuses for good.
  bool send(uint64_t due) {
    size_t frames = std::min<uint64_t>(due, largest_);
    if (kHeaders + frames * payload_ < kJoinedLimit) frames = 1;
    stamp(frames);
    Segmentation segmentation;
    if (frames > 1)
      segmentation = {kNeedsChecksum, kUdpSegments, kHeaders, static_cast<uint16_t>(payload_), 34, 6};
    std::array<iovec, 3> parts{{{&segmentation, sizeof segmentation},
                                {header_.data(), header_.size()},
                                {bytes_.data(), frames * payload_}}};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    if (::sendmsg(fd_, &message, 0) > 0) {
      sent_ += frames;
      return true;
    }
    if (errno == EINVAL && largest_ > 1) {  // Linux before 6.2 does not segment for packet sockets
      largest_ = 1;
      return true;
    }
    ++refused_;
    return errno == ENOBUFS || errno == EAGAIN || errno == EINTR;
  }

  [[nodiscard]] uint64_t sent() const { return sent_; }
  [[nodiscard]] uint64_t refused() const { return refused_; }

 private:
  static std::ptrdiff_t offset(size_t at) { return static_cast<std::ptrdiff_t>(at); }

  void stamp(size_t frames) {
    const size_t size = 8 + frames * payload_;
    put(header_, 16, 20 + size, 2);
    put(header_, 24, 0, 2);
    put(header_, 24, 0xFFFFU ^ sum16(std::span(header_).subspan(14, 20)), 2);
    put(header_, 34, 1024 + burst_++ % options_.flows, 2);
    put(header_, 38, size, 2);
    // One frame goes without a checksum; of several the kernel makes it from the pseudo header's sum.
    put(header_, 40, frames == 1 ? 0 : pseudo_header_sum(size), 2);
    const auto now = static_cast<uint64_t>(wl::base::wall_clock_ns());
    for (size_t i = 0; i < frames; ++i) {
      put(bytes_, i * payload_ + 8, sent_ + i, 8);
      put(bytes_, i * payload_ + 16, now, 8);
    }
  }

  [[nodiscard]] uint32_t pseudo_header_sum(size_t size) const {
    std::vector<uint8_t> pseudo(header_.begin() + 26, header_.begin() + 34);
    pseudo.resize(12);
    put(pseudo, 8, IPPROTO_UDP, 2);
    put(pseudo, 10, size, 2);
    return sum16(pseudo);
  }

  int fd_;
  const Options& options_;
  std::vector<uint8_t> header_;
  size_t payload_;
  size_t largest_;
  std::vector<uint8_t> bytes_;
  uint64_t burst_ = 0;
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
