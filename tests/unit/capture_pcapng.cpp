#include <limits>

#include <catch2/catch.hpp>

#include "libcommon/capture/pcapng_options.h"
#include "tests/support/capture_bytes.h"

using namespace wl::test;
using wl::capture::TimeScale;

namespace {

constexpr uint64_t kTime = 1700000000'123456;
constexpr int64_t kTimeNs = 1700000000'123456000;

/// Two sections, three interfaces, every packet block, options, blocks to pass over.
Buffer rich_file(bool big_endian) {
  const Blocks b(big_endian);
  return joined(
      {b.section(b.option(1, "the section")),
       b.interface(1, 0,
                   joined({b.option(2, "eth0"), b.option(3, "first\0 padded"), b.option(1, "a comment"),
                           b.option(0, "")})),
       b.interface(101, 96, joined({b.option(2, "tun0"), b.option(9, "\x09")})),
       b.packet(0, kTime, packet_bytes(61),
                joined({b.option(1, "one"), b.option(2, "flag"), b.option(1, "two"), b.option(0, "")})),
       b.block(4, packet_bytes(20)), b.block(0x7ffffff1, packet_bytes(7)),
       b.packet(1, kTime * 1000 + 7, packet_bytes(40), {}, {}, 1500), b.block(5, packet_bytes(16)),
       b.simple(packet_bytes(33)), b.old_packet(1, kTime * 1000, packet_bytes(30)),
       Blocks(!big_endian).section(), Blocks(!big_endian).interface(113),
       Blocks(!big_endian).packet(0, kTime, packet_bytes(50))});
}

std::string error_of(const Buffer& bytes) {
  const Reading got = read_bytes(bytes);
  CHECK(got.packets.size() == 1);  // the good one in front
  return got.error;
}

}  // namespace

TEST_CASE("pcapng: sections, interfaces, byte orders, packet blocks, comments") {
  for (const bool big_endian : {false, true}) {
    const Buffer file = rich_file(big_endian);
    const Reading got = read_bytes(file);
    CAPTURE(big_endian);
    CHECK(got.error == "");
    REQUIRE(got.interfaces.size() == 3);
    CHECK(got.interfaces[0].link_type == 1);
    CHECK(got.interfaces[0].snaplen == 0);
    CHECK(got.interfaces[0].name == "eth0");
    CHECK(got.interfaces[0].description == "first");
    CHECK(got.interfaces[0].comment == "a comment");
    CHECK(got.interfaces[0].section_comment == "the section");
    CHECK(got.interfaces[0].fraction_digits == 6);
    CHECK(got.interfaces[1].link_type == 101);
    CHECK(got.interfaces[1].fraction_digits == 9);
    CHECK(got.interfaces[2].link_type == 113);
    CHECK(got.interfaces[2].section_comment == "");
    REQUIRE(got.packets.size() == 5);
    CHECK(got.packets[0] == Packet{packet_bytes(61), 61, kTimeNs, 0, got.packets[0].offset, {"one", "two"}});
    CHECK(got.packets[1] == Packet{packet_bytes(40), 1500, kTimeNs + 7, 1, got.packets[1].offset, {}});
    CHECK(got.packets[2] == Packet{packet_bytes(33), 33, {}, 0, got.packets[2].offset, {}});
    CHECK(got.packets[3] ==
          Packet{packet_bytes(30), 30, kTimeNs - 456000 + 456000, 1, got.packets[3].offset, {}});
    CHECK(got.packets[4] == Packet{packet_bytes(50), 50, kTimeNs, 2, got.packets[4].offset, {}});
    for (const Packet& packet : got.packets) {
      CHECK(std::equal(packet.data.begin(), packet.data.end(),
                       file.begin() + static_cast<ptrdiff_t>(packet.offset)));
    }
    const Reading slowly = read_slowly(file, 1);
    CHECK(slowly.error == "");
    CHECK(slowly.packets == got.packets);
  }
}

TEST_CASE("pcapng: cut at every length") {
  const Blocks b;
  const std::vector<Buffer> parts{b.section(), b.interface(),
                                  b.packet(0, kTime, packet_bytes(61), b.option(1, "x")),
                                  b.block(0x99, packet_bytes(40)), b.packet(0, kTime, packet_bytes(20))};
  Buffer whole;
  std::vector<size_t> ends{};
  for (const Buffer& part : parts) {
    whole.insert(whole.end(), part.begin(), part.end());
    ends.push_back(whole.size());
  }
  for (size_t size = 0; size <= whole.size(); ++size) {
    const Reading got = read_bytes(Buffer(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size)));
    CAPTURE(size, got.error);
    CHECK(got.packets.size() == size_t{size >= ends[2]} + size_t{size >= ends[4]});
    CHECK(got.error.empty() == (std::ranges::find(ends, size) != ends.end()));
  }
}

TEST_CASE("pcapng: damaged blocks name their place") {
  const Blocks b;
  const Buffer good = joined({b.section(), b.interface(), b.packet(0, kTime, packet_bytes(60))});
  const Buffer after = b.packet(0, kTime, packet_bytes(60));
  const std::string at = "test: byte " + std::to_string(good.size()) + ": ";
  const auto with = [&](const Buffer& bad) { return error_of(joined({good, bad, after})); };
  const Buffer body = b.make().u32(0).u32(0).u32(5).u32(60).u32(60).raw(packet_bytes(60)).bytes();

  CHECK(with(b.block(6, body, 0, 0)) == at + "a block of 0 bytes, less than the 32 that it needs");
  CHECK(with(b.block(6, body, 92, 96)) == at + "a block whose two lengths differ, 92 and 96");
  CHECK(with(b.block(6, body, 33, 33)) == at + "a block whose two lengths differ, 33 and 824845084");
  CHECK(with(b.block(6, body, 0xfffffff0)) ==
        at + "a block of 4294967280 bytes, more than the 17039360 that it may have");
  CHECK(with(b.packet(7, kTime, packet_bytes(60))) == at + "a packet of interface 7, but the section has 1");
  CHECK(with(b.packet(0, kTime, packet_bytes(60), {}, 65535)) ==
        at + "a block of 92 bytes, too short for a packet of 65535 bytes");
  CHECK(with(b.packet(0, kTime, packet_bytes(60), {}, 262145)) ==
        at + "a packet of 262145 bytes, more than the 262144 that a capture may hold");
  CHECK(with(b.packet(0, kTime, packet_bytes(60), b.make().u16(1).u16(4000).u32(0).bytes())) ==
        at + "a block with an option that is longer than the block");
  CHECK(with(b.block(0x99, {}, 8)) == at + "a block of 8 bytes, less than the 12 that any block has");
  CHECK(with(b.block(0x99, packet_bytes(8), {}, 24)).find("a block whose two lengths differ, 20 and 24") !=
        std::string::npos);
  CHECK(with(b.block(1, packet_bytes(4))) == at + "a block of 16 bytes, less than the 20 that it needs");
  CHECK(with(b.section({}, 9, 0)) == at + "pcapng version 9.0 is not known");
  CHECK(with(b.block(0x0a0d0d0a, packet_bytes(16))) == at + "a section whose byte order is not marked");
  CHECK(with(joined({b.section(), after})).find("a packet of interface 0, but the section has 0") !=
        std::string::npos);
  CHECK(with(joined({b.section(), b.simple(packet_bytes(9))})).find("interface 0") != std::string::npos);
}

TEST_CASE("pcapng: a block of 4 GiB is passed over, not held") {
  const Blocks b;
  const Buffer start = joined({b.section(), b.interface(), b.make().u32(0x99).u32(0xfffffffc).bytes()});
  const Reading got = read_bytes(joined({start, packet_bytes(5 << 20)}));
  CHECK(got.packets.empty());
  CHECK(got.error ==
        "test: byte " + std::to_string(start.size() + (5 << 20)) + ": cut short in the middle of a block");
}

TEST_CASE("pcapng: a large block that can be passed over leaves the packet behind it whole") {
  const Blocks b;
  const Reading got = read_bytes(joined({b.section(), b.interface(), b.block(0x99, packet_bytes(5 << 20)),
                                         b.packet(0, kTime, packet_bytes(60))}));
  CHECK(got.error == "");
  CHECK(got.packets.size() == 1);
}

TEST_CASE("pcapng: a simple block holds no more than the snaplen") {
  const Blocks b;
  const Reading got = read_bytes(joined({b.section(), b.interface(1, 20), b.simple(packet_bytes(20), 60)}));
  CHECK(got.error == "");
  REQUIRE(got.packets.size() == 1);
  CHECK(got.packets[0].data.size() == 20);
  CHECK(got.packets[0].length == 60);
  CHECK_FALSE(got.packets[0].time_ns);
}

TEST_CASE("pcapng: custom blocks come as packets without a time") {
  const Blocks b;
  for (const uint32_t type : {0xbadU, 0x40000badU}) {
    const Reading got =
        read_bytes(joined({b.section(), b.block(type, b.make().u32(32473).text("0123456").bytes()),
                           b.interface(), b.packet(0, kTime, packet_bytes(60))}));
    CHECK(got.error == "");
    REQUIRE(got.packets.size() == 2);
    CHECK(got.packets[0].data.size() == 8);
    CHECK_FALSE(got.packets[0].time_ns);
    CHECK(got.interfaces[got.packets[0].interface].link_type == 0xffff);
    CHECK(got.interfaces[got.packets[1].interface].link_type == 1);
  }
}

TEST_CASE("pcapng: lengths that are no multiple of four count as the next one") {
  const Blocks b;
  const Buffer body = b.make().u32(0).u32(0).u32(5).u32(57).u32(57).raw(packet_bytes(57)).bytes();
  const Reading got =
      read_bytes(joined({b.section(), b.interface(), b.block(6, body, 89, 89),
                         b.block(0x99, packet_bytes(5), 17, 17), b.packet(0, kTime, packet_bytes(60))}));
  CHECK(got.error == "");
  CHECK(got.packets.size() == 2);
}

TEST_CASE("pcapng: time resolutions and offsets") {
  CHECK(TimeScale().ns(kTime) == kTimeNs);
  CHECK(TimeScale(6, -5000).ns(kTime) == kTimeNs - 5000'000000000);
  CHECK(TimeScale(0, 0).ns(1700000000) == 1700000000'000000000);
  CHECK(TimeScale(9, 0).ns(kTimeNs + 1) == kTimeNs + 1);
  CHECK(TimeScale(12, 0).ns(1234567) == 1234);
  CHECK(TimeScale(28, 0).ns(std::numeric_limits<uint64_t>::max()) == 1);
  CHECK(TimeScale(40, 0).ns(std::numeric_limits<uint64_t>::max()) == 0);
  CHECK(TimeScale(0x80 | 20, 0).ns((uint64_t{7} << 20) + (1 << 19)) == 7'500000000);
  CHECK(TimeScale(0x80 | 63, 0).ns(uint64_t{3} << 62) == 1'500000000);
  CHECK(TimeScale(0xff, 0).ns(std::numeric_limits<uint64_t>::max()) == 0);

  CHECK_FALSE(TimeScale(0, 0).ns(std::numeric_limits<uint64_t>::max()));
  CHECK_FALSE(TimeScale().ns(std::numeric_limits<uint64_t>::max()));
  CHECK_FALSE(TimeScale(6, std::numeric_limits<int64_t>::max()).ns(0));
  CHECK_FALSE(TimeScale(6, 9'000'000'000).ns(9'000'000'000'000'000));

  CHECK(TimeScale(6, 0).fraction_digits() == 6);
  CHECK(TimeScale(3, 0).fraction_digits() == 6);
  CHECK(TimeScale(7, 0).fraction_digits() == 9);
  CHECK(TimeScale(0x80 | 19, 0).fraction_digits() == 6);
  CHECK(TimeScale(0x80 | 20, 0).fraction_digits() == 9);
}
