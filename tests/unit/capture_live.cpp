// Live capture on the loopback interface of a network namespace that only the test's thread is in.
#include <thread>

#include <arpa/inet.h>
#include <catch2/catch.hpp>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libcommon/base/fd.h"
#include "libcommon/base/time.h"
#include "libcommon/capture/live.h"
#include "tests/support/capture_bytes.h"

using wl::capture::LiveOptions;
using wl::capture::Next;
using wl::capture::open_live;

namespace {

constexpr uint16_t kPort = 40404;

/// Runs `work` with a loopback interface that nobody else uses; says so and does nothing without the
/// privilege.
template <class Work>
void on_own_loopback(Work work) {
  bool done = false;
  std::jthread([&] {
    if (::unshare(CLONE_NEWNET) != 0) return;
    const wl::base::Fd control(::socket(AF_INET, SOCK_DGRAM, 0));
    ifreq request{};
    std::string("lo").copy(request.ifr_name, IFNAMSIZ - 1);
    request.ifr_flags = IFF_UP;
    if (::ioctl(control.get(), SIOCSIFFLAGS, &request) != 0) return;
    work();
    done = true;
  }).join();
  if (!done) WARN("skipped: no privilege for a network namespace");
}

/// Sends datagrams of `size` bytes to a port that nobody listens on; the refusals do not come back as
/// packets, since ICMP is not what the filter lets through.
void send(int count, size_t size, uint16_t port = kPort) {
  const wl::base::Fd fd(::socket(AF_INET, SOCK_DGRAM, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const wl::test::Buffer data = wl::test::packet_bytes(size);
  for (int i = 0; i < count; ++i) {
    (void)::sendto(fd.get(), data.data(), data.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  }
}

struct Taken {
  uint64_t packets = 0;
  int idles = 0;
  std::string error;
};

/// Everything up to the end; stops the source when it is idle.
Taken take_all(wl::capture::Source& source) {
  Taken taken;
  bool stopped = false;
  wl::capture::Frame frame;
  for (;;) {
    const auto next = source.next(frame);
    if (!next) taken.error = next.error().line();
    if (!next || *next == Next::end) return taken;
    if (*next == Next::packet) ++taken.packets;
    if (*next == Next::idle && ++taken.idles > 1 && !std::exchange(stopped, true)) source.stop();
  }
}

}  // namespace

TEST_CASE("live: packets of an interface, filtered by the kernel, with their times") {
  on_own_loopback([] {
    const auto source = open_live({.interface = "lo", .snaplen = 60, .filter = "udp port 40404"});
    REQUIRE(source);
    REQUIRE((*source)->interfaces().size() == 1);
    CHECK((*source)->interfaces()[0].name == "lo");
    CHECK((*source)->interfaces()[0].link_type == 1);
    CHECK((*source)->interfaces()[0].snaplen == 60);
    wl::capture::Frame frame;
    CHECK((*source)->next(frame) == Next::idle);
    const int64_t before = wl::base::wall_clock_ns();
    send(1, 9, 50505);
    send(1, 100);
    wl::base::Result<Next> next = Next::idle;
    for (int i = 0; i < 20 && next == Next::idle; ++i) next = (*source)->next(frame);
    CHECK(wl::base::wall_clock_ns() - before < 100 * wl::base::kMillisecond);
    REQUIRE(next == Next::packet);
    CHECK(frame.length == 14 + 20 + 8 + 100);
    CHECK(frame.data.size() == 60);
    CHECK(frame.data[42] == wl::test::packet_bytes(1)[0]);
    CHECK(std::abs(frame.time_ns - before) < wl::base::kSecond);
    CHECK(take_all(**source).packets == 0);  // once, though it passed going out and coming in
  });
}

TEST_CASE("live: what is seen and what is dropped is what the kernel counted") {
  on_own_loopback([] {
    const auto source = open_live({.interface = "lo", .buffer_bytes = 2 << 20, .filter = "udp port 40404"});
    REQUIRE(source);
    constexpr int kSent = 20000;
    send(kSent, 1000);  // ten times what the buffer holds
    const Taken taken = take_all(**source);
    CHECK(taken.error == "");
    const wl::capture::Drops drops = (*source)->drops();
    CHECK(drops.received == kSent);
    CHECK(drops.kernel > 0);
    CHECK(taken.packets > 0);
    CHECK(taken.packets + drops.kernel == drops.received);
  });
}

TEST_CASE("live: after stop, what the kernel holds still comes and what arrives later does not") {
  on_own_loopback([] {
    const auto source = open_live({.interface = "lo", .filter = "udp port 40404"});
    REQUIRE(source);
    send(500, 100);
    (*source)->stop();
    send(500, 100);
    const Taken taken = take_all(**source);
    CHECK(taken.error == "");
    CHECK(taken.packets == 500);
  });
}

TEST_CASE("live: what cannot be captured on is refused with the next step") {
  on_own_loopback([] {
    CHECK(open_live({.interface = "nosuch0"}).error().line() == "nosuch0: no such interface (-D lists them)");
    const auto filter = open_live({.interface = "lo", .filter = "udp prot 1"});
    REQUIRE_FALSE(filter);
    CHECK(filter.error().exit == wl::base::Exit::usage);
    const auto all = wl::capture::list_interfaces();
    REQUIRE(all);
    const auto lo = std::ranges::find(*all, "lo", &wl::capture::InterfaceInfo::name);
    REQUIRE(lo != all->end());
    CHECK(lo->up);
    CHECK(lo->loopback);
    CHECK(std::ranges::count(lo->addresses, "127.0.0.1") == 1);
  });
}
