#include <catch2/catch.hpp>

#include "tests/support/capture_bytes.h"

using namespace wl::test;

namespace {

Buffer file_of(const PcapShape& shape) {
  return joined({pcap_header(shape), pcap_record(shape, 1700000000, 123456, packet_bytes(60)),
                 pcap_record(shape, 1700000001, 999999, packet_bytes(40, 3), {}, 1500)});
}

}  // namespace

TEST_CASE("pcap: every magic number in both byte orders") {
  struct Case {
    uint32_t magic;
    uint32_t extra;
    int64_t unit_ns;
    int digits;
  };
  for (const Case& c :
       {Case{0xa1b2c3d4, 0, 1000, 6}, Case{0xa1b23c4d, 0, 1, 9}, Case{0xa1b2cd34, 8, 1000, 6}}) {
    for (const bool big_endian : {false, true}) {
      const PcapShape shape{
          .magic = c.magic, .big_endian = big_endian, .extra_header = c.extra, .snaplen = 96};
      const Reading got = read_bytes(file_of(shape));
      CAPTURE(c.magic, big_endian);
      CHECK(got.error == "");
      REQUIRE(got.packets.size() == 2);
      REQUIRE(got.interfaces.size() == 1);
      CHECK(got.interfaces[0].link_type == 1);
      CHECK(got.interfaces[0].snaplen == 96);
      CHECK(got.interfaces[0].fraction_digits == c.digits);
      CHECK(got.packets[0].data == packet_bytes(60));
      CHECK(got.packets[0].length == 60);
      CHECK(got.packets[0].time_ns == 1700000000'000000000 + 123456 * c.unit_ns);
      CHECK(got.packets[0].offset == 24 + 16 + c.extra);
      CHECK(got.packets[1].data == packet_bytes(40, 3));
      CHECK(got.packets[1].length == 1500);
      CHECK(got.packets[1].time_ns == 1700000001'000000000 + 999999 * c.unit_ns);
      CHECK(got.packets[1].offset == 24 + 2 * (16 + c.extra) + 60);
    }
  }
}

TEST_CASE("pcap: cut at every length, each whole packet is delivered and then the failure") {
  for (const PcapShape& shape :
       {PcapShape{}, PcapShape{.big_endian = true}, PcapShape{.magic = 0xa1b2cd34, .extra_header = 8}}) {
    const Buffer whole = file_of(shape);
    const size_t record = 16 + shape.extra_header;
    const size_t first_end = 24 + record + 60;
    for (size_t size = 0; size <= whole.size(); ++size) {
      const Reading got = read_bytes(Buffer(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(size)));
      const size_t packets = size == whole.size() ? 2U : size >= first_end ? 1U : 0U;
      CAPTURE(size, got.error);
      CHECK(got.packets.size() == packets);
      const bool clean = size == 24 || size == first_end || size == whole.size();
      CHECK(got.error.empty() == clean);
      if (!clean) CHECK(got.error.starts_with("test: byte "));
      if (!clean && size > first_end)
        CHECK(got.error.starts_with("test: byte " + std::to_string(first_end) + ": cut short"));
    }
  }
}

TEST_CASE("pcap: bytes that come one by one give the same packets") {
  const Buffer whole = file_of({});
  const Reading at_once = read_bytes(whole);
  const Reading slowly = read_slowly(whole, 1);
  CHECK(slowly.error == "");
  CHECK(slowly.packets == at_once.packets);
  CHECK(slowly.idles >= static_cast<int>(whole.size()));
}

TEST_CASE("pcap: packets across many blocks stay whole") {
  const PcapShape shape;
  Buffer file = pcap_header(shape);
  std::vector<Buffer> sent;
  for (uint32_t i = 0; i < 40; ++i) {
    sent.push_back(packet_bytes(i % 3 == 0 ? 262144 : 1000 * i, static_cast<uint8_t>(i)));
    const Buffer record = pcap_record(shape, i, i, sent.back());
    file.insert(file.end(), record.begin(), record.end());
  }
  const Reading got = read_bytes(file);
  CHECK(got.error == "");
  REQUIRE(got.packets.size() == sent.size());
  for (size_t i = 0; i < sent.size(); ++i) {
    CHECK((got.packets[i].data == sent[i]));
    const auto& packet = got.packets[i];
    CHECK(std::equal(sent[i].begin(), sent[i].end(), file.begin() + static_cast<ptrdiff_t>(packet.offset)));
  }
}

TEST_CASE("pcap: lengths that lie") {
  const PcapShape shape;
  const Buffer good = pcap_record(shape, 1, 2, packet_bytes(60));
  SECTION("a packet larger than any is a failure, at its place, after the good one") {
    for (const uint32_t captured : {262145U, 0x7fffffffU, 0xffffffffU}) {
      const Reading got = read_bytes(joined(
          {pcap_header(shape), good, good, good, pcap_record(shape, 1, 2, packet_bytes(60), captured)}));
      CHECK(got.packets.size() == 3);
      CHECK(got.error == "test: byte 252: a packet of " + std::to_string(captured) +
                             " bytes, more than the 262144 that a capture may hold");
    }
  }
  SECTION("D-Bus messages may be larger") {
    const PcapShape dbus{.network = 231};
    const Reading got =
        read_bytes(joined({pcap_header(dbus), pcap_record(dbus, 1, 2, packet_bytes(3 << 20))}));
    CHECK(got.error == "");
    REQUIRE(got.packets.size() == 1);
    CHECK((got.packets[0].data == packet_bytes(3 << 20)));
  }
  SECTION("more captured than the snaplen, or than was on the wire, is read all the same") {
    const PcapShape tight{.snaplen = 20};
    const Reading got =
        read_bytes(joined({pcap_header(tight), good, pcap_record(tight, 1, 2, packet_bytes(60), 60, 20)}));
    CHECK(got.error == "");
    REQUIRE(got.packets.size() == 2);
    CHECK(got.packets[1].data.size() == 60);
    CHECK(got.packets[1].length == 60);
  }
  SECTION("a fraction beyond a second is carried over") {
    const Reading got =
        read_bytes(joined({pcap_header(shape), pcap_record(shape, 10, 1500000, packet_bytes(60))}));
    REQUIRE(got.packets.size() == 1);
    CHECK(got.packets[0].time_ns == 11'500000000);
  }
}

TEST_CASE("pcap: versions") {
  SECTION("unknown newer ones read as 2.4") {
    const PcapShape shape{.major = 9, .minor = 9};
    CHECK(read_bytes(file_of(shape)).packets == read_bytes(file_of({})).packets);
  }
  SECTION("before 2.3 the lengths stood the other way round; in 2.3 either way") {
    for (const uint16_t minor : {uint16_t{0}, uint16_t{3}}) {
      const PcapShape shape{.minor = minor};
      const Reading got =
          read_bytes(joined({pcap_header(shape), pcap_record(shape, 1, 2, packet_bytes(60), 90, 60)}));
      REQUIRE(got.packets.size() == 1);
      CHECK(got.packets[0].data.size() == 60);
      CHECK(got.packets[0].length == 90);
    }
  }
  SECTION("version 1 was something else") {
    const PcapShape shape{.major = 1};
    CHECK(read_bytes(file_of(shape)).error == "test: byte 0: pcap version 1 is not known");
  }
}

TEST_CASE("pcap: link types") {
  const auto link_of = [](uint32_t network) {
    const Reading got = read_bytes(file_of({.network = network}));
    return got.interfaces.empty() ? -1 : int{got.interfaces[0].link_type};
  };
  CHECK(link_of(113) == 113);
  CHECK(link_of(0x24000001) == 1);  // frames with a check sequence of 4 bytes
  CHECK(link_of(12) == 101);        // DLT_RAW of Linux, written as it was
  CHECK(link_of(14) == 101);
  CHECK(read_bytes(file_of({.network = 0x00010001})).error ==
        "test: byte 0: reserved bits of the link type are set");
}

TEST_CASE("pcap: record headers of other sizes under the ordinary magic number are known by their contents") {
  for (const uint32_t extra : {4U, 8U}) {
    const PcapShape shape{.extra_header = extra};
    const Reading got = read_bytes(file_of(shape));
    CAPTURE(extra);
    CHECK(got.error == "");
    REQUIRE(got.packets.size() == 2);
    CHECK(got.packets[1].data == packet_bytes(40, 3));
  }
}
