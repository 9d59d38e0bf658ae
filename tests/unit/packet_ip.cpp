#include <string>

#include <catch2/catch.hpp>

#include "tests/support/decoding.h"

using namespace wl;
using record::Field;
using test::operator+;

TEST_CASE("a header that the capture cut says what it still can") {
  test::Decoding decode;
  const test::Bytes packet = test::ipv4(6, test::tcp({}));
  const auto cut = [&](size_t captured) -> const record::Packet& {
    return decode(packet, captured, packet.size(), 228);
  };
  CHECK_FALSE(cut(8).present.has(Field::ttl));
  CHECK(cut(10).ttl == 64);
  CHECK(cut(10).proto == "tcp");
  CHECK_FALSE(cut(15).present.has(Field::src_ip));
  CHECK(cut(16).present.has(Field::src_ip));
  CHECK_FALSE(cut(19).present.has(Field::dst_ip));
  CHECK_FALSE(cut(23).present.has(Field::src_port));
  CHECK(cut(24).dst_port == 7777);
  CHECK_FALSE(cut(35).present.has(Field::tcp_seq));
  CHECK(cut(36).tcp_window == 512);
  CHECK(cut(36).truncated_at == "tcp");
}

TEST_CASE("an IPv6 header that the capture cut says what it still can") {
  test::Decoding decode;
  const test::Bytes packet = test::ipv6(6, test::tcp({}));
  CHECK(decode(packet, 8, packet.size(), 229).ttl == 64);
  CHECK_FALSE(decode(packet, 23, packet.size(), 229).present.has(Field::src_ip));
  CHECK(decode(packet, 24, packet.size(), 229).present.has(Field::src_ip));
  CHECK_FALSE(decode(packet, 39, packet.size(), 229).present.has(Field::dst_ip));
}

TEST_CASE("bytes behind the packet are not its payload") {
  test::Decoding decode;
  const test::Bytes padded = test::ethernet(0x0800, test::ipv4(6, test::tcp({})) + test::Bytes(6, 0));
  CHECK(decode(padded, 1).payload_len == 0);
  CHECK_FALSE(decode(padded, 1).present.has(Field::malformed_at));
}

TEST_CASE("a data offset that lies leaves ports and sequence number") {
  test::Decoding decode;
  test::Bytes packet = test::ipv4(6, test::tcp({}));
  packet[32] = 0x40;
  const auto& record = decode(packet, 228);
  CHECK(record.malformed_at == "tcp");
  CHECK(record.tcp_seq == 1);
  CHECK_FALSE(record.present.has(Field::tcp_flags));
}

TEST_CASE("what an ICMP error quotes is no flow") {
  test::Decoding decode;
  const test::Bytes quoted = test::ipv4(17, test::udp(1000, 2000, {}));
  const auto& packet = decode(test::ipv4(1, test::from_hex("0303000000000000") + quoted), 228);
  CHECK(packet.proto == "icmp");
  CHECK_FALSE(packet.present.has(Field::src_port));
  CHECK_FALSE(packet.present.has(Field::inner_src_ip));
}

TEST_CASE("an unnamed IP protocol is its number") {
  test::Decoding decode;
  CHECK(decode(test::ipv4(253, {1, 2}), 228).proto == "253");
}
