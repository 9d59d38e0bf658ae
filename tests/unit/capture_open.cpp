// What a capture is and where it comes from: recognition, compression, pipes, files that change.
#include <array>
#include <cstring>
#include <fstream>
#include <thread>

#include <catch2/catch.hpp>
#include <unistd.h>

#include "libcommon/base/fd.h"
#include "libcommon/base/signals.h"
#include "libcommon/base/time.h"
#include "libcommon/capture/open.h"
#include "tests/support/capture_bytes.h"

using namespace wl::test;
using wl::capture::Next;
using wl::capture::open_file;

namespace {

Buffer sample(uint32_t packets = 3) {
  const PcapShape shape;
  Buffer file = pcap_header(shape);
  for (uint32_t i = 0; i < packets; ++i) {
    const Buffer record = pcap_record(shape, i, i, packet_bytes(60 + i % 200, static_cast<uint8_t>(i)));
    file.insert(file.end(), record.begin(), record.end());
  }
  return file;
}

std::string error_of(const std::string& path) { return read_all(open_file(path)).error; }

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    out.reset(ends[0]);
    in.reset(ends[1]);
  }
  void send(const Buffer& bytes, size_t from, size_t to) const {
    REQUIRE(::write(in.get(), bytes.data() + from, to - from) == static_cast<ssize_t>(to - from));
  }
  wl::base::Fd out;
  wl::base::Fd in;
};

}  // namespace

TEST_CASE("open: what is no capture is refused with one line") {
  const TemporaryDirectory folder;
  const auto named = [&](const char* name, const Buffer& bytes) {
    write_file(folder.path(name), bytes);
    std::string error = error_of(folder.path(name));
    CHECK(error.starts_with(folder.path(name)));
    return error.substr(std::min(error.size(), folder.path(name).size()));
  };
  CHECK(named("empty", {}) == ": byte 0: empty file, not even a capture's header");
  CHECK(named("text", Maker().text("Dear reader,\nthis is text.\n").bytes()) ==
        ": byte 0: text, not a capture");
  CHECK(named("short", Maker().text("hi\n").bytes()) == ": byte 0: text, not a capture");
  CHECK(named("noise", packet_bytes(100)) == ": byte 0: not a capture: neither pcap nor pcapng");
  CHECK(named("cut", Maker().u32(0xa1b2c3d4).bytes()) ==
        ": byte 0: cut short in the middle of the file header");
  CHECK(named("cut-ng", Maker().u32(0x0a0d0d0a).u32(28).bytes()) ==
        ": byte 0: cut short in the middle of the file header");
  CHECK(named("packed-text", compressed(Maker().text("Dear reader, this is text\n").bytes(),
                                        Compression::gzip)) == ": byte 0: text, not a capture");
  CHECK(error_of(folder.path("")) == folder.path("") + ": is a directory (name a capture file in it)");
  CHECK(error_of(folder.path("none")) == folder.path("none") + ": no such file or directory");
}

TEST_CASE("open: compressed captures, known by their bytes") {
  const Buffer plain = sample(20000);
  const Reading want = read_bytes(plain);
  REQUIRE(want.packets.size() == 20000);
  for (const Compression how : {Compression::gzip, Compression::zstd, Compression::lz4, Compression::xz}) {
    const Buffer packed = compressed(plain, how);
    CAPTURE(static_cast<int>(how));
    const Reading got = read_bytes(packed);
    CHECK(got.error == "");
    CHECK((got.packets == want.packets));
    const Reading slowly = read_slowly(packed, 50000);
    CHECK(slowly.error == "");
    CHECK((slowly.packets == want.packets));
  }
}

TEST_CASE("open: gzip members follow each other, and zeros fill up the end") {
  const Buffer plain = sample(1000);
  const Buffer first(plain.begin(), plain.begin() + 5000);
  const Buffer second(plain.begin() + 5000, plain.end());
  const Reading got = read_bytes(
      joined({compressed(first, Compression::gzip), compressed(second, Compression::gzip), Buffer(512)}));
  CHECK(got.error == "");
  CHECK((got.packets == read_bytes(plain).packets));
}

TEST_CASE("open: a damaged compressed capture gives what could be read, then the failure") {
  const Buffer plain = sample(20000);
  const auto prefix_of_whole = [&](const Reading& got) {
    const Reading want = read_bytes(plain);
    return got.packets.size() <= want.packets.size() &&
           std::equal(got.packets.begin(), got.packets.end(), want.packets.begin());
  };
  SECTION("gzip with a wrong checksum gives everything") {
    Buffer packed = compressed(plain, Compression::gzip);
    packed[packed.size() - 8] ^= 1;
    const Reading got = read_bytes(packed);
    CHECK(got.packets.size() == 20000);
    CHECK(got.error ==
          "test: byte " + std::to_string(plain.size()) + ": damaged gzip data: incorrect data check");
  }
  SECTION("gzip with something else behind it gives everything") {
    const Reading got = read_bytes(joined({compressed(plain, Compression::gzip), packet_bytes(100, 9)}));
    CHECK(got.packets.size() == 20000);
    CHECK(got.error.find("damaged gzip data") != std::string::npos);
  }
  SECTION("cut in the middle, most of the half comes") {
    for (const Compression how : {Compression::gzip, Compression::zstd, Compression::lz4, Compression::xz}) {
      Buffer packed = compressed(plain, how);
      packed.resize(packed.size() / 2);
      const Reading got = read_bytes(packed);
      CAPTURE(static_cast<int>(how), got.packets.size(), got.error);
      CHECK(got.error.starts_with("test: byte "));
      CHECK(prefix_of_whole(got));
      if (how == Compression::gzip) CHECK(got.packets.size() > 5000);
    }
  }
  SECTION("cut at every length of a small one") {
    const Buffer small = sample(2);
    for (const Compression how : {Compression::gzip, Compression::zstd, Compression::lz4, Compression::xz}) {
      const Buffer packed = compressed(small, how);
      for (size_t size = 0; size < packed.size(); ++size) {
        const Reading got = read_bytes(Buffer(packed.begin(), packed.begin() + static_cast<ptrdiff_t>(size)));
        CAPTURE(static_cast<int>(how), size, got.packets.size());
        // zstd and lz4 end with a checksum that is not needed to have everything.
        if (got.packets.size() < 2) CHECK_FALSE(got.error.empty());
      }
    }
  }
}

TEST_CASE("open: a pipe that is silent says so, at once and then after at most 100 ms") {
  const Pipe pipe;
  const auto source = open_file("-", pipe.out.get());
  REQUIRE(source);
  const Buffer file = sample(2);
  wl::capture::Frame frame;
  const auto timed_next = [&] {
    const int64_t before = wl::base::steady_clock_ns();
    const auto next = (*source)->next(frame);
    REQUIRE(next);
    return std::pair(*next, (wl::base::steady_clock_ns() - before) / wl::base::kMillisecond);
  };
  const auto [first, first_ms] = timed_next();
  CHECK(first == Next::idle);
  CHECK(first_ms < 50);
  const auto [second, second_ms] = timed_next();
  CHECK(second == Next::idle);
  CHECK(second_ms >= 90);
  CHECK((*source)->interfaces().empty());

  pipe.send(file, 0, 30);  // the header and a part of the first record
  CHECK(timed_next().first == Next::idle);
  CHECK((*source)->interfaces().size() == 1);
  pipe.send(file, 30, 24 + 16 + 60);
  CHECK(timed_next().first == Next::packet);
  CHECK(frame.data.size() == 60);
  CHECK(timed_next().first == Next::idle);
  std::jthread late([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    (void)!::write(pipe.in.get(), file.data() + 24 + 16 + 60, file.size() - (24 + 16 + 60));
  });
  const auto [woken, woken_ms] = timed_next();  // the wait ends when something comes
  CHECK(woken == Next::packet);
  CHECK(woken_ms < 90);
}

TEST_CASE("open: a signal ends the wait for a pipe") {
  wl::base::Signals::catch_counts();
  const Pipe pipe;
  const auto source = open_file("-", pipe.out.get());
  REQUIRE(source);
  wl::capture::Frame frame;
  CHECK((*source)->next(frame) == Next::idle);
  std::jthread signaller([waiter = ::pthread_self()] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ::pthread_kill(waiter, SIGUSR1);
  });
  const int64_t before = wl::base::steady_clock_ns();
  CHECK((*source)->next(frame) == Next::idle);
  CHECK(wl::base::steady_clock_ns() - before < 90 * wl::base::kMillisecond);
  signaller.join();
  CHECK(wl::base::Signals::take_counts_request());
}

TEST_CASE("open: a pipe that ends gives its end, or the place where it was cut") {
  for (const bool whole : {true, false}) {
    Pipe pipe;
    const auto source = open_file("-", pipe.out.get());
    REQUIRE(source);
    const Buffer file = sample(2);
    pipe.send(file, 0, whole ? file.size() : file.size() - 1);
    pipe.in.reset();
    wl::capture::Frame frame;
    CHECK((*source)->next(frame) == Next::packet);
    const auto second = (*source)->next(frame);
    if (whole) CHECK(second == Next::packet);
    if (whole) CHECK((*source)->next(frame) == Next::end);
    if (!whole) REQUIRE_FALSE(second);
    if (!whole) CHECK(second.error().line() == "stdin: byte 100: cut short in the middle of a packet");
  }
}

TEST_CASE("open: a compressed pipe says idle too, and its reader can go at any time") {
  const Buffer packed = compressed(sample(5000), Compression::gzip);
  const Pipe pipe;
  {
    const auto source = open_file("-", pipe.out.get());
    REQUIRE(source);
    wl::capture::Frame frame;
    pipe.send(packed, 0, packed.size() / 2);
    int packets = 0;
    for (int idles = 0; idles < 3;) {
      const auto next = (*source)->next(frame);
      REQUIRE(next);
      if (*next == Next::idle) ++idles;
      if (*next == Next::packet) ++packets;
    }
    CHECK(packets > 1000);
  }
}

TEST_CASE("open: a file that grows or shrinks while it is read") {
  const TemporaryDirectory folder;
  const std::string path = folder.path("file.pcap");
  constexpr size_t kPackets = 200'000;
  const Buffer file = sample(kPackets);
  REQUIRE(file.size() > size_t{12} << 20);  // half of it is more than what is read ahead
  const auto half = static_cast<ptrdiff_t>(file.size() / 2);
  wl::capture::Frame frame;
  SECTION("what is appended before the end is read") {
    write_file(path, Buffer(file.begin(), file.begin() + half));
    const auto source = open_file(path);
    REQUIRE(source);
    REQUIRE((*source)->next(frame) == Next::packet);
    std::ofstream(path, std::ios::binary | std::ios::app)
        .write(reinterpret_cast<const char*>(file.data()) + half,
               static_cast<std::streamsize>(file.size()) - half);
    size_t packets = 1;
    for (; (*source)->next(frame) == Next::packet; ++packets) {
    }
    CHECK(packets == kPackets);
  }
  SECTION("what is cut off is missed with a failure, not a signal") {
    write_file(path, file);
    const auto source = open_file(path);
    REQUIRE(source);
    REQUIRE((*source)->next(frame) == Next::packet);
    REQUIRE(::truncate(path.c_str(), 100) == 0);
    wl::base::Result<Next> next = Next::packet;
    while (next && *next == Next::packet) next = (*source)->next(frame);
    REQUIRE_FALSE(next);
    CHECK(next.error().line().find("cut short in the middle of") != std::string::npos);
  }
}
