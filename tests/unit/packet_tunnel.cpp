#include <string>

#include <catch2/catch.hpp>

#include "tests/support/decoding.h"

using namespace wl;
using record::Field;
using test::operator+;

namespace {

test::Bytes vxlan(uint16_t source_port, const test::Bytes& inner) {
  return test::ipv4(17, test::udp(source_port, 4789, test::from_hex("08000000 00000100") + inner));
}

test::Bytes inner_frame(const test::Bytes& packet) {
  return test::from_hex("0200000000aa 0200000000bb 8100 0009 86dd") + packet;
}

}  // namespace

TEST_CASE("a tunnel's record is the outer flow's, with the innermost beside it") {
  test::Decoding decode;
  const auto& packet =
      decode(test::ethernet(0x0800, vxlan(50000, inner_frame(test::ipv6(6, test::tcp({1, 2}))))), 1);
  CHECK(packet.src_ip.version == 4);
  CHECK(packet.proto == "udp");
  CHECK(packet.dst_port == 4789);
  CHECK_FALSE(packet.present.has(Field::tcp_flags));
  CHECK_FALSE(packet.present.has(Field::vlan));
  CHECK(packet.eth_src == record::Mac{2, 0, 0, 0, 0, 1});
  CHECK(packet.tunnel == "vxlan");
  CHECK(packet.inner_src_ip.version == 6);
  CHECK(packet.inner_proto == "tcp");
  CHECK(packet.inner_dst_port == 7777);
}

TEST_CASE("tunnels: --decap puts the innermost flow into the plain keys") {
  test::Decoding decode(true);
  const auto& packet =
      decode(test::ethernet(0x0800, vxlan(50000, inner_frame(test::ipv6(6, test::tcp({1, 2}))))), 1);
  CHECK(packet.src_ip.version == 6);
  CHECK(packet.proto == "tcp");
  CHECK(packet.dst_port == 7777);
  CHECK(packet.payload_len == 2);
  CHECK(packet.vlan == 9);
  CHECK(packet.eth_src == record::Mac{2, 0, 0, 0, 0, 0xbb});
  CHECK(packet.tunnel == "vxlan");
}

TEST_CASE("a tunnel is noted only when a flow or a frame is inside") {
  test::Decoding decode;
  CHECK_FALSE(decode(test::ipv4(47, test::from_hex("0000 7777 0102")), 228).present.has(Field::tunnel));
  CHECK_FALSE(decode(test::ipv4(4, {}), 228).present.has(Field::inner_src_ip));
  const auto& arp =
      decode(vxlan(50000, test::ethernet(0x0806, test::from_hex("0001080006040001 020000000001 "
                                                                "0a000001 000000000000 0a000002"))),
             228);
  CHECK(arp.tunnel == "vxlan");
  CHECK(arp.inner_proto == "arp");
  CHECK_FALSE(arp.present.has(Field::arp_op));
}

TEST_CASE("a tunnel's port alone proves nothing") {
  test::Decoding decode;
  constexpr uint16_t kPorts[]{1701, 2123, 2152, 3544, 4789, 4790, 5072, 5247, 6081, 8472};
  for (const uint16_t port : kPorts) {
    INFO(port);
    const auto& packet =
        decode(test::ipv4(17, test::udp(port, 9999, test::from_hex("f7ffffff00000000"))), 228);
    CHECK(packet.layers == "ip:udp");
    CHECK_FALSE(packet.present.has(Field::malformed_at));
  }
}

TEST_CASE("tunnels in tunnels: the first kind, the innermost flow, and an end") {
  test::Decoding decode;
  test::Bytes packet = test::ipv4(17, test::udp(1, 2, {}));
  for (int i = 0; i < 100; ++i) packet = test::ipv4(4, packet);
  CHECK(decode(packet, 228).tunnel == "ipip");
  CHECK(decode(packet, 228).layers.size() == 32 * 3 - 1);
  CHECK(
      decode(test::ipv4(47, test::from_hex("0000 86dd") + test::ipv6(4, test::ipv4(17, test::udp(1, 2, {})))),
             228)
          .tunnel == "gre");
}
