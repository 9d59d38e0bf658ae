#include <set>
#include <string>

#include <catch2/catch.hpp>

#include "libcommon/packet/dispatch.h"
#include "tests/support/decoding.h"

using namespace wl;
using record::Field;
using test::operator+;

TEST_CASE("link types have the registry's names, each number one") {
  CHECK(packet::by_link_type(1).name == "ethernet");
  CHECK(packet::by_link_type(101).name == "raw_ip");
  CHECK(packet::by_link_type(127).name == "ieee802_11_radiotap");
  CHECK(packet::by_link_type(227).name == "can_socketcan");
  CHECK(packet::by_link_type(276).name == "linux_sll2");
  CHECK(packet::by_link_type(11).name.empty());
  std::set<std::string_view> names;
  size_t named = 0;
  for (uint32_t number = 0; number <= 0xffff; ++number) {
    const auto type = packet::by_link_type(static_cast<uint16_t>(number));
    if (type.name.empty()) continue;
    ++named;
    names.insert(type.name);
  }
  CHECK(named > 120);
  CHECK(names.size() == named - 2);  // raw_ip has three numbers
}

TEST_CASE("a link type without a decoder gives its name, one without a name its number") {
  test::Decoding decode;
  const test::Bytes bytes = test::from_hex("000102030405");
  CHECK(decode(bytes, 227).link == "can_socketcan");
  CHECK_FALSE(decode(bytes, 227).present.has(Field::malformed_at));
  CHECK(decode(bytes, 4, 6, 227).caplen == 4);
  CHECK(decode(bytes, 65000).link == "65000");
  CHECK(decode(bytes, 65000).layers.empty());
}

TEST_CASE("a Frame Relay address that does not end is malformed") {
  test::Decoding decode;
  CHECK(decode(test::from_hex("0000000000000000"), 107).malformed_at == "fr");
}

TEST_CASE("an MPLS stack without a bottom ends with the packet") {
  test::Decoding decode;
  test::Bytes stack(4096, 0);
  CHECK(decode(test::ethernet(0x8847, stack), 1).malformed_at == "mpls");
}

TEST_CASE("layers are counted: a packet of nothing but tags ends") {
  test::Decoding decode;
  test::Bytes tags;
  for (int i = 0; i < 500; ++i) tags = tags + test::from_hex("00018100");
  const record::Packet& packet = decode(test::ethernet(0x8100, tags), 1);
  CHECK(packet.vlan == 1);
  CHECK(packet.layers.size() < 200);
}

TEST_CASE("the outer frame's addresses and tags are the record's, whatever is inside") {
  test::Decoding decode;
  const test::Bytes inner =
      test::from_hex("0200000000aa 0200000000bb 8100 0009 0800") + test::ipv4(17, test::udp(1, 2, {}));
  const auto& packet =
      decode(test::ethernet(0x8100, test::from_hex("0007 8847 00010140 00000000") + inner), 1);
  CHECK(packet.eth_src == record::Mac{2, 0, 0, 0, 0, 1});
  CHECK(packet.vlan == 7);
  CHECK(packet.vlan_inner == 9);
  CHECK(packet.eth_type == 0x0800);
}
