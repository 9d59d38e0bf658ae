#include "libcommon/capture/live.h"

#include <algorithm>
#include <array>
#include <climits>
#include <cstring>
#include <unordered_map>

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pcap/pcap.h>
#include <pcap/sll.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libcommon/capture/link_types.h"

namespace wl::capture {
namespace {

// The kernel hands over a block of its ring when it is full or this old; less costs capacity.
constexpr int kBlockMs = 10;
constexpr int kWaitMs = 100;

struct Closer {
  void operator()(pcap_t* handle) const { pcap_close(handle); }
};
using Handle = std::unique_ptr<pcap_t, Closer>;

/// libpcap's last message, as it stands in the middle of a line.
std::string reason(pcap_t* handle) {
  std::string text = pcap_geterr(handle);
  if (text.starts_with("The ")) text[0] = 't';
  return text;
}

/// A packet on the loopback interface passes twice, going out and coming in, and libpcap delivers the second
/// one only. The kernel must not count, nor hold, the first.
void ignore_outgoing_on_loopback(pcap_t* handle, const std::string& name) {
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  const int fd = pcap_fileno(handle);
  if (::ioctl(fd, SIOCGIFFLAGS, &request) != 0 || (request.ifr_flags & IFF_LOOPBACK) == 0) return;
  const int on = 1;
  (void)::setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
}

class LiveSource final : public Source {
 public:
  LiveSource(Handle handle, Interface interface)
      : handle_(std::move(handle)),
        fd_(pcap_get_selectable_fd(handle_.get())),
        interfaces_{std::move(interface)} {}

  base::Result<Next> next(Frame& frame) override {
    for (bool waited = false;; waited = true) {
      pcap_pkthdr* header = nullptr;
      const u_char* data = nullptr;
      const int got = pcap_next_ex(handle_.get(), &header, &data);
      if (got == 1) {
        deliver(frame, *header, data);
        return Next::packet;
      }
      if (got != 0) return base::fail(interfaces_[0].name + ": " + reason(handle_.get()));
      if (stopping_) return finish();
      if (waited || !was_idle_) {
        was_idle_ = true;
        return Next::idle;
      }
      pollfd entry{fd_, POLLIN, 0};
      if (::poll(&entry, 1, kWaitMs) <= 0) return Next::idle;  // a signal ends the wait as well
    }
  }

  const std::vector<Interface>& interfaces() const override { return interfaces_; }

  Drops drops() override {
    pcap_stat stat{};
    if (pcap_stats(handle_.get(), &stat) == 0) {
      received_.add(stat.ps_recv);
      dropped_.add(stat.ps_drop);
      interface_dropped_.add(stat.ps_ifdrop);
    }
    return {received_.total, dropped_.total, interface_dropped_.total};
  }

  void stop() override {
    // A filter that takes nothing. Not through libpcap: it would put what the ring holds through the filter
    // too.
    sock_filter nothing{BPF_RET | BPF_K, 0, 0, 0};
    const sock_fprog program{1, &nothing};
    (void)::setsockopt(pcap_fileno(handle_.get()), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
    stopping_ = true;
  }

 private:
  /// libpcap counts in 32 bits, which a fast link passes in minutes.
  struct Counter {
    uint64_t total = 0;
    uint32_t last = 0;
    void add(uint32_t now) {
      total += now - last;
      last = now;
    }
  };

  void deliver(Frame& frame, const pcap_pkthdr& header, const u_char* data) {
    was_idle_ = false;
    drained_ = false;
    frame = {.data = {data, header.caplen},
             .length = std::max(header.len, header.caplen),
             .time_ns = int64_t{header.ts.tv_sec} * 1'000'000'000 + int64_t{header.ts.tv_usec} * 1000};
    if (interfaces_[0].link_type == kLinkSll2) frame.interface = interface_of(frame.data);
  }

  /// "any" delivers packets of all interfaces, and its link header says of which: each becomes one of ours.
  uint32_t interface_of(std::span<const uint8_t> bytes) {
    constexpr size_t kIndexAt = 4;  // LINKTYPE_LINUX_SLL2: interface index, in network byte order
    uint32_t index = 0;
    if (bytes.size() < kIndexAt + sizeof index) return 0;
    std::memcpy(&index, bytes.data() + kIndexAt, sizeof index);
    index = ntohl(index);
    const auto known = by_system_index_.find(index);
    if (known != by_system_index_.end()) return known->second;
    std::array<char, IF_NAMESIZE> name{};
    if (::if_indextoname(index, name.data()) == nullptr) return 0;
    Interface interface = interfaces_[0];
    interface.name = name.data();
    interfaces_.push_back(std::move(interface));
    const auto ours = static_cast<uint32_t>(interfaces_.size() - 1);
    by_system_index_.emplace(index, ours);
    return ours;
  }

  /// The ring is empty, but a block that is not full comes only when it is old enough: one more look after
  /// that.
  base::Result<Next> finish() {
    if (drained_) return Next::end;
    pollfd entry{fd_, POLLIN, 0};
    drained_ = ::poll(&entry, 1, 5 * kBlockMs) == 0;
    return Next::idle;
  }

  Handle handle_;
  int fd_;
  std::vector<Interface> interfaces_;                       // [0]: the one that was asked for
  std::unordered_map<uint32_t, uint32_t> by_system_index_;  // "any": the kernel's index to ours
  bool was_idle_ = false;
  bool stopping_ = false;
  bool drained_ = false;
  Counter received_;
  Counter dropped_;
  Counter interface_dropped_;
};

std::string own_program() {
  std::array<char, PATH_MAX> path{};
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  return size > 0 ? std::string(path.data(), static_cast<size_t>(size)) : "PROGRAM";
}

std::unexpected<base::Error> fail_activate(pcap_t* handle, const std::string& name, int status) {
  switch (status) {
    case PCAP_ERROR_PERM_DENIED:
    case PCAP_ERROR_PROMISC_PERM_DENIED:
      return base::fail(name + ": permission denied",
                        "run as root, or: setcap cap_net_raw=ep " + own_program());
    case PCAP_ERROR_NO_SUCH_DEVICE: return base::fail(name + ": no such interface", "-D lists them");
    case PCAP_ERROR_IFACE_NOT_UP:
      return base::fail(name + ": interface is down", "ip link set " + name + " up");
    default: break;
  }
  const std::string detail = reason(handle);
  return base::fail(name + ": " + (detail.empty() ? pcap_statustostr(status) : detail));
}

base::Result<void> set_filter(pcap_t* handle, const std::string& expression) {
  bpf_program program{};
  if (pcap_compile(handle, &program, expression.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0) {
    return base::fail("filter \"" + expression + "\": " + pcap_geterr(handle),
                      "the language is pcap-filter(7)'s", base::Exit::usage);
  }
  const int status = pcap_setfilter(handle, &program);
  pcap_freecode(&program);
  if (status != 0) return base::fail("filter \"" + expression + "\": " + pcap_geterr(handle));
  return {};
}

std::string address_text(const sockaddr& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* bytes = nullptr;
  if (address.sa_family == AF_INET) bytes = &reinterpret_cast<const sockaddr_in&>(address).sin_addr;
  if (address.sa_family == AF_INET6) bytes = &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  if (bytes == nullptr || ::inet_ntop(address.sa_family, bytes, text.data(), text.size()) == nullptr)
    return {};
  return text.data();
}

}  // namespace

base::Result<std::unique_ptr<Source>> open_live(const LiveOptions& options) {
  const std::string& name = options.interface;
  std::array<char, PCAP_ERRBUF_SIZE> message{};
  Handle made(pcap_create(name.c_str(), message.data()));
  pcap_t* handle = made.get();
  if (handle == nullptr) return base::fail(name + ": " + message.data());
  (void)pcap_set_snaplen(handle, static_cast<int>(std::min<uint32_t>(options.snaplen, INT_MAX)));
  (void)pcap_set_promisc(handle, options.promiscuous && name != "any" ? 1 : 0);
  (void)pcap_set_timeout(handle, kBlockMs);
  (void)pcap_set_buffer_size(handle, static_cast<int>(std::min<uint64_t>(options.buffer_bytes, INT_MAX)));
  const int status = pcap_activate(handle);
  if (status < 0) return fail_activate(handle, name, status);
  // "any" in its second form names the interface of each packet.
  if (pcap_datalink(handle) == DLT_LINUX_SLL) (void)pcap_set_datalink(handle, DLT_LINUX_SLL2);
  ignore_outgoing_on_loopback(handle, name);
  if (!options.filter.empty()) {
    const auto set = set_filter(handle, options.filter);
    if (!set) return std::unexpected(set.error());
  }
  if (pcap_setnonblock(handle, 1, message.data()) != 0) return base::fail(name + ": " + message.data());
  Interface interface{.link_type = link_type_of(pcap_datalink(handle)),
                      .snaplen = static_cast<uint32_t>(pcap_snapshot(handle)),
                      .fraction_digits = 6,
                      .name = name};
  return std::make_unique<LiveSource>(std::move(made), std::move(interface));
}

base::Result<std::vector<InterfaceInfo>> list_interfaces() {
  std::array<char, PCAP_ERRBUF_SIZE> message{};
  pcap_if_t* first = nullptr;
  if (pcap_findalldevs(&first, message.data()) != 0)
    return base::fail(std::string("interfaces: ") + message.data());
  const std::unique_ptr<pcap_if_t, decltype(&pcap_freealldevs)> owner(first, pcap_freealldevs);
  std::vector<InterfaceInfo> all;
  for (const pcap_if_t* it = first; it != nullptr; it = it->next) {
    InterfaceInfo info{.name = it->name,
                       .description = it->description != nullptr ? it->description : "",
                       .up = (it->flags & PCAP_IF_UP) != 0,
                       .running = (it->flags & PCAP_IF_RUNNING) != 0,
                       .loopback = (it->flags & PCAP_IF_LOOPBACK) != 0};
    for (const pcap_addr_t* at = it->addresses; at != nullptr; at = at->next) {
      if (at->addr == nullptr) continue;
      std::string text = address_text(*at->addr);
      if (!text.empty()) info.addresses.push_back(std::move(text));
    }
    all.push_back(std::move(info));
  }
  return all;
}

}  // namespace wl::capture
