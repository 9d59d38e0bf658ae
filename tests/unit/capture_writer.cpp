#include <array>
#include <csignal>
#include <cstdlib>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <unistd.h>

#include "libcommon/base/time.h"
#include "libcommon/capture/open.h"
#include "libcommon/capture/writer.h"
#include "tests/support/capture_bytes.h"

using namespace wl::test;
using wl::capture::Format;
using wl::capture::Frame;
using wl::capture::Interface;
using wl::capture::Writer;
using wl::capture::WriterOptions;

namespace {

/// Copies a capture through a writer.
std::string copy(const std::string& from, Writer& writer) {
  const auto source = wl::capture::open_file(from);
  if (!source) return source.error().line();
  Frame frame;
  for (;;) {
    const auto next = (*source)->next(frame);
    if (!next) return next.error().line();
    if (*next == wl::capture::Next::end) break;
    const auto written = writer.write(frame, (*source)->interfaces());
    if (!written) return written.error().line();
  }
  const auto closed = writer.close((*source)->interfaces());
  return closed ? "" : closed.error().line();
}

std::string copy(const std::string& from, const std::string& to, Format format) {
  const auto writer = Writer::open({.path = to, .format = format, .application = "a test"});
  return writer ? copy(from, **writer) : writer.error().line();
}

/// The packets without their places, which differ from file to file.
std::vector<Packet> placeless(Reading reading) {
  for (Packet& packet : reading.packets) packet.offset = 0;
  return reading.packets;
}

Buffer ng_file() {
  const Blocks b;
  return joined(
      {b.section(b.option(1, "the section")),
       b.interface(1, 0, joined({b.option(1, "a comment"), b.option(2, "eth0"), b.option(3, "the first")})),
       b.interface(101, 96, joined({b.option(2, "tun0"), b.option(9, "\x09")})),
       b.packet(0, 1700000000'123456, packet_bytes(61), joined({b.option(1, "one"), b.option(1, "two")})),
       b.packet(1, 1700000000'123456789, packet_bytes(40), {}, {}, 1500), b.simple(packet_bytes(33)),
       b.packet(1, 1700000001'000000001, {})});
}

Frame frame_at(int64_t time_ns, const Buffer& data) {
  return {.data = data, .length = static_cast<uint32_t>(data.size()), .time_ns = time_ns};
}

}  // namespace

TEST_CASE("writer: pcapng gives everything back") {
  const TemporaryDirectory folder;
  write_file(folder.path("in"), ng_file());
  CHECK(copy(folder.path("in"), folder.path("out"), Format::pcapng) == "");
  const Reading want = read_bytes(ng_file());
  const Reading got = read_all(wl::capture::open_file(folder.path("out")));
  CHECK(got.error == "");
  CHECK((got.interfaces == want.interfaces));
  CHECK(placeless(got) == placeless(want));
  CHECK(copy(folder.path("out"), folder.path("again"), Format::pcapng) == "");
  CHECK(read_file(folder.path("again")) == read_file(folder.path("out")));
}

TEST_CASE("writer: pcap gives bytes and times back, in nanoseconds where the source has them") {
  const TemporaryDirectory folder;
  for (const uint32_t magic : {0xa1b2c3d4U, 0xa1b23c4dU}) {
    const PcapShape shape{.magic = magic, .snaplen = 96, .network = 113};
    const Buffer file = joined({pcap_header(shape), pcap_record(shape, 1700000000, 123456, packet_bytes(60)),
                                pcap_record(shape, 0xffffffff, 999999, packet_bytes(40), {}, 1500)});
    write_file(folder.path("in"), file);
    CHECK(copy(folder.path("in"), folder.path("out"), Format::pcap) == "");
    CHECK(read_file(folder.path("out")) == file);
  }
}

TEST_CASE("writer: pcap refuses what it cannot hold and names the way out") {
  const TemporaryDirectory folder;
  const Blocks b;
  write_file(folder.path("in"), ng_file());
  const std::string error = copy(folder.path("in"), folder.path("out"), Format::pcap);
  CHECK(error == folder.path("out") +
                     ": pcap holds one link type, and a packet of type 101 came after type 1 (write pcapng)");
  CHECK(read_all(wl::capture::open_file(folder.path("out"))).packets.size() == 1);

  write_file(folder.path("in"),
             joined({b.section(), b.interface(), b.packet(0, 1, packet_bytes(9)),
                     b.interface(1, 0, b.option(9, "\x09")), b.packet(1, 1, packet_bytes(9))}));
  CHECK(copy(folder.path("in"), folder.path("out"), Format::pcap)
            .find("nanoseconds came after microseconds (write pcapng)") != std::string::npos);
}

TEST_CASE("writer: several sources into one file, interfaces alike are one") {
  const TemporaryDirectory folder;
  const auto writer = Writer::open({.path = folder.path("out")});
  REQUIRE(writer);
  const Buffer data = packet_bytes(60);
  const std::vector<Interface> first{{.name = "eth0"}, {.link_type = 101, .name = "tun0"}};
  const std::vector<Interface> second{{.link_type = 101, .name = "tun0"}, {.link_type = 113, .name = "any"}};
  Frame frame = frame_at(1000, data);
  REQUIRE((*writer)->write(frame, first));
  (*writer)->next_source();
  REQUIRE((*writer)->write(frame, second));
  frame.interface = 1;
  REQUIRE((*writer)->write(frame, second));
  REQUIRE((*writer)->close(second));
  const Reading got = read_all(wl::capture::open_file(folder.path("out")));
  REQUIRE(got.packets.size() == 3);
  CHECK(got.interfaces.size() == 3);
  const auto name_of = [&](size_t i) { return got.interfaces[got.packets[i].interface].name; };
  CHECK(name_of(0) == "eth0");
  CHECK(name_of(1) == "tun0");
  CHECK(name_of(2) == "any");
}

TEST_CASE("writer: a capture of no packets is a capture") {
  const TemporaryDirectory folder;
  for (const Format format : {Format::pcap, Format::pcapng}) {
    const auto writer = Writer::open({.path = folder.path("out"), .format = format});
    REQUIRE(writer);
    const std::vector<Interface> interfaces{{.link_type = 113, .name = "any"}};
    REQUIRE((*writer)->flush(interfaces));
    CHECK(read_all(wl::capture::open_file(folder.path("out"))).interfaces.at(0).link_type == 113);
    REQUIRE((*writer)->close(interfaces));
    CHECK(read_all(wl::capture::open_file(folder.path("out"))).error == "");
  }
}

TEST_CASE("writer: rotation by size, with tcpdump's names") {
  const Buffer data = packet_bytes(84);  // 100 bytes with its header
  const std::vector<Interface> interfaces(1);
  const auto run = [&](const TemporaryDirectory& folder, wl::capture::Rotation rotation) {
    const auto writer =
        Writer::open({.path = folder.path("out"), .format = Format::pcap, .rotation = rotation});
    REQUIRE(writer);
    for (int64_t i = 0; i < 24; ++i) REQUIRE((*writer)->write(frame_at(i * 1000, data), interfaces));
    REQUIRE((*writer)->close(interfaces));
  };
  using Names = std::vector<std::string>;
  const auto first_ns = [](const TemporaryDirectory& folder, const char* name) {
    return read_all(wl::capture::open_file(folder.path(name))).packets.at(0).time_ns.value_or(-1);
  };
  SECTION("without a limit of files") {
    const TemporaryDirectory folder;
    run(folder, {.bytes = 1000});  // a file is full with more than 1000 bytes: 10 packets
    CHECK(folder.names() == Names{"out", "out1", "out2"});
    CHECK(read_all(wl::capture::open_file(folder.path("out"))).packets.size() == 10);
    CHECK(first_ns(folder, "out1") == 10000);
    CHECK(read_all(wl::capture::open_file(folder.path("out2"))).packets.size() == 4);
  }
  SECTION("as a ring of two files") {
    const TemporaryDirectory folder;
    run(folder, {.bytes = 1000, .files = 2});
    CHECK(folder.names() == Names{"out0", "out1"});
    CHECK(first_ns(folder, "out0") == 20000);
    CHECK(first_ns(folder, "out1") == 10000);
  }
  SECTION("a ring of twelve has two digits") {
    const TemporaryDirectory folder;
    run(folder, {.bytes = 100, .files = 12});
    CHECK(folder.names().size() == 12);
    CHECK(folder.names().front() == "out00");
    CHECK(folder.names().back() == "out11");
  }
}

TEST_CASE("writer: rotation by the packets' time") {
  const TemporaryDirectory folder;
  ::setenv("TZ", "UTC", 1);
  const Buffer data = packet_bytes(60);
  const std::vector<Interface> interfaces(1);
  const auto run = [&](uint32_t files, uint64_t bytes) {
    const auto writer = Writer::open(
        {.path = folder.path("%H%M%S"), .rotation = {.bytes = bytes, .seconds = 10, .files = files}});
    REQUIRE(writer);
    int written = 0;
    for (int64_t second = 0; second < 35; ++second, ++written) {
      REQUIRE((*writer)->write(frame_at((1700000000 + second) * wl::base::kSecond, data), interfaces));
      if ((*writer)->finished()) break;
    }
    REQUIRE((*writer)->close(interfaces));
    return written;
  };
  using Names = std::vector<std::string>;
  SECTION("every ten seconds") {
    CHECK(run(0, 0) == 35);
    CHECK(folder.names() == Names{"221320", "221330", "221340", "221350"});
    CHECK(read_all(wl::capture::open_file(folder.path("221330"))).packets.size() == 10);
  }
  SECTION("two files and no more") {
    CHECK(run(2, 0) == 20);
    CHECK(folder.names() == Names{"221320", "221330"});
  }
  SECTION("with a size too, numbered within each span of time") {
    CHECK(run(0, 500) == 35);
    CHECK(folder.names() == Names{"221320", "2213201", "221330", "2213301", "221340", "2213401", "221350"});
  }
}

TEST_CASE("writer: standard output stays open and cannot be rotated") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const std::vector<Interface> interfaces(1);
  {
    const auto writer = Writer::open({.path = "-", .standard_output = ends[1], .format = Format::pcap});
    REQUIRE(writer);
    REQUIRE((*writer)->write(frame_at(0, packet_bytes(60)), interfaces));
    REQUIRE((*writer)->flush(interfaces));
    Buffer got(1000);
    CHECK(::read(ends[0], got.data(), got.size()) == 24 + 16 + 60);
    CHECK_FALSE((*writer)->reader_gone());
    REQUIRE((*writer)->close(interfaces));
  }
  CHECK(::fcntl(ends[1], F_GETFD) >= 0);
  ::close(ends[0]);
  ::close(ends[1]);
  CHECK(Writer::open({.path = "-", .rotation = {.bytes = 5}}).error().exit == wl::base::Exit::usage);
}

TEST_CASE("writer: a reader that goes away is told apart from a failure") {
  std::signal(SIGPIPE, SIG_IGN);
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  ::close(ends[0]);
  const std::vector<Interface> interfaces(1);
  const auto writer = Writer::open({.path = "-", .standard_output = ends[1]});
  REQUIRE(writer);
  CHECK((*writer)->flush(interfaces));
  CHECK((*writer)->reader_gone());
  CHECK((*writer)->write(frame_at(0, packet_bytes(60)), interfaces));
  CHECK((*writer)->close(interfaces));
  ::close(ends[1]);
}

TEST_CASE("writer: a full disk and a folder that is not there are failures") {
  const std::vector<Interface> interfaces(1);
  const auto writer = Writer::open({.path = "/dev/full"});
  REQUIRE(writer);
  const Buffer data = packet_bytes(60000);
  wl::base::Result<void> written;
  for (int i = 0; i < 100 && written; ++i) written = (*writer)->write(frame_at(0, data), interfaces);
  REQUIRE_FALSE(written);
  CHECK(written.error().line() == "/dev/full: no space left on device (free some space and run it again)");
  CHECK(Writer::open({.path = "/nowhere/x"}).error().line() == "/nowhere/x: no such file or directory");
}

TEST_CASE("writer: what a format cannot say") {
  const TemporaryDirectory folder;
  const std::vector<Interface> interfaces{{}, {.link_type = 0xffff}};
  const Buffer data = packet_bytes(20);
  for (const Format format : {Format::pcap, Format::pcapng}) {
    const auto writer = Writer::open({.path = folder.path("out"), .format = format});
    REQUIRE(writer);
    REQUIRE((*writer)->write(frame_at(-5, data), interfaces));
    Frame custom = frame_at(0, data);
    custom.interface = 1;
    REQUIRE((*writer)->write(custom, interfaces));
    REQUIRE((*writer)->write(frame_at(INT64_MAX, data), interfaces));
    REQUIRE((*writer)->close(interfaces));
    const Reading got = read_all(wl::capture::open_file(folder.path("out")));
    CHECK(got.error == "");
    REQUIRE(got.packets.size() == 2);  // custom blocks are left out
    CHECK(got.packets[0].time_ns == 0);
    CHECK(got.packets[1].time_ns ==
          (format == Format::pcap ? 4294967295'999999000 : INT64_MAX / 1000 * 1000));
  }
}
