// Files of more than one block: the next is read while the one before is parsed.
#include <random>

#include <catch2/catch.hpp>

#include "libcommon/capture/open.h"
#include "tests/support/capture_bytes.h"

using namespace wl::test;

namespace {

/// A capture of about `bytes` whose packets have up to `largest` bytes each.
Buffer large_capture(size_t bytes, size_t largest) {
  const PcapShape shape{.snaplen = 262144};
  std::mt19937 random(static_cast<unsigned>(largest));
  Buffer file = pcap_header(shape);
  for (uint32_t i = 0; file.size() < bytes; ++i) {
    const Buffer record = pcap_record(shape, i, i, packet_bytes(random() % largest, static_cast<uint8_t>(i)));
    file.insert(file.end(), record.begin(), record.end());
  }
  return file;
}

}  // namespace

TEST_CASE("read ahead: a file gives the packets that its bytes give, wherever blocks end") {
  const TemporaryDirectory folder;
  const std::string path = folder.path("large.pcap");
  for (const size_t largest : {size_t{300}, size_t{60'000}, size_t{262'144}}) {
    INFO(largest);
    const Buffer file = large_capture(size_t{9} << 20, largest);
    write_file(path, file);
    const Reading whole = read_all(wl::capture::open_file(path));
    const Reading pieces = read_slowly(file, 100'000);
    CHECK(whole.error.empty());
    REQUIRE(whole.packets.size() == pieces.packets.size());
    CHECK(whole.packets == pieces.packets);

    const Buffer cut(file.begin(), file.end() - 1);
    write_file(path, cut);
    const Reading damaged = read_all(wl::capture::open_file(path));
    CHECK(damaged.packets.size() == whole.packets.size() - 1);
    CHECK(damaged.error == path + read_slowly(cut, 100'000).error.substr(4));  // pieces are called "test"
  }
}

TEST_CASE("read ahead: a reader can go at any time") {
  const TemporaryDirectory folder;
  const std::string path = folder.path("large.pcap");
  write_file(path, large_capture(size_t{6} << 20, 1500));
  for (int packets = 0; packets < 4000; packets += 500) {
    auto source = wl::capture::open_file(path);
    REQUIRE(source);
    wl::capture::Frame frame;
    for (int i = 0; i < packets; ++i) REQUIRE((*source)->next(frame) == wl::capture::Next::packet);
  }
}
