#include <catch2/catch.hpp>

#include "tests/support/segments.h"

using namespace wl;
using record::Field;
using support::big_endian;
using support::from_hex;
using support::Segments;

namespace {

/// The application of a UDP payload, the name it carries, and its line.
struct Seen {
  std::string app;
  std::string name;
  std::string info;
};

Seen seen(const record::Packet& packet) {
  Seen seen;
  if (packet.present.has(Field::app)) seen.app = packet.app;
  if (packet.present.has(Field::name)) seen.name = packet.name;
  if (packet.present.has(Field::info)) seen.info = packet.info;
  return seen;
}

Seen udp(uint16_t source, uint16_t destination, std::string_view payload, size_t captured = Segments::kAll) {
  Segments segments;
  return seen(segments.udp(source, destination, payload, captured));
}

std::string dhcp(std::string_view options) {
  return from_hex("01010600 12345678") + std::string(228, '\0') + from_hex("63825363").append(options);
}

}  // namespace

TEST_CASE("dhcp: by its fixed part and cookie") {
  const std::string discover = dhcp(from_hex("00 35 01 01 ff"));
  CHECK(udp(68, 67, discover).app == "dhcp");
  CHECK(udp(68, 67, discover).info == "DHCP Discover");
  CHECK(udp(68, 67, dhcp(from_hex("0c 7f 41"))).info == "DHCP");
  CHECK(udp(68, 67, discover, 100).app == "dhcp");
  CHECK(udp(68, 1000, discover).app == "dhcp");
  CHECK(udp(1000, 1001, discover).app.empty());
  CHECK(udp(68, 67, discover.substr(0, 200)).app.empty());
  std::string other = discover;
  other[236] = 'x';
  CHECK(udp(68, 67, other).app.empty());
  other = discover;
  other[0] = 3;
  CHECK(udp(68, 67, other).app.empty());
}

TEST_CASE("dhcpv6: a type and options that add up") {
  const std::string solicit = from_hex("01 123456 0001 0004 00010001 0008 0002 0000");
  CHECK(udp(546, 547, solicit).app == "dhcpv6");
  CHECK(udp(546, 547, solicit).info == "DHCPv6");
  CHECK(udp(546, 547, solicit, 9).app == "dhcpv6");
  CHECK(udp(546, 547, solicit.substr(0, solicit.size() - 1)).app.empty());
  CHECK(udp(546, 547, from_hex("00 123456")).app.empty());
  CHECK(udp(546, 547, from_hex("0c 00") + std::string(32, 'a') + from_hex("0009 0000")).app == "dhcpv6");
}

TEST_CASE("ntp: mode, version and length") {
  CHECK(udp(123, 123, from_hex("23") + std::string(47, '\0')).app == "ntp");
  CHECK(udp(40000, 123, from_hex("e3") + std::string(47, '\0')).info == "NTP");
  CHECK(udp(123, 123, from_hex("16") + std::string(11, '\0')).app == "ntp");
  CHECK(udp(123, 123, from_hex("17") + std::string(7, '\0')).app == "ntp");
  CHECK(udp(123, 123, from_hex("23") + std::string(46, '\0')).app.empty());
  CHECK(udp(123, 123, from_hex("03") + std::string(47, '\0')).app.empty());
  CHECK(udp(40000, 124, from_hex("23") + std::string(47, '\0')).app.empty());
}

TEST_CASE("snmp: BER that begins with a version") {
  CHECK(udp(40000, 161, from_hex("30 0b 02 01 01 04 06 7075626c6963")).app == "snmp");
  CHECK(udp(40000, 162, from_hex("30 81 05 02 01 00 04 00")).app == "snmp");
  CHECK(udp(40000, 161, from_hex("30 05 02 01 03 30 00")).app == "snmp");
  CHECK(udp(40000, 161, from_hex("30 05 02 01 02 30 00")).app.empty());
  CHECK(udp(40000, 161, from_hex("30 7f 02 01 01 04 00")).app.empty());
  CHECK(udp(40000, 161, from_hex("30 80 02 01 01 04 00")).app.empty());
  CHECK(udp(40000, 161, from_hex("30 85 00")).app.empty());
  CHECK(udp(40000, 161, from_hex("30")).app.empty());
}

TEST_CASE("ssh: its banner") {
  Segments segments;
  const auto first = seen(segments.tcp(40000, 2222, 1, "SSH-2.0-OpenSSH_9.2p1\r\n"));
  CHECK(first.app == "ssh");
  CHECK(first.info == "SSH-2.0-OpenSSH_9.2p1");
  CHECK(seen(segments.tcp(40000, 22, 1, "SSH-3.0-x\r\n")).app.empty());
}

TEST_CASE("proxy: what comes behind its header") {
  const std::string request = "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";
  const std::string second = from_hex("0d0a0d0a000d0a515549540a 21 11 000c") + std::string(12, 'a');
  for (const std::string& header : {std::string("PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n"), second}) {
    Segments segments;
    const auto& packet = segments.tcp(40000, 80, 1, header + request);
    CHECK(packet.http_host == "a.example");
    CHECK(packet.layers == "ip:tcp:proxy:http");
    CHECK(segments.tcp(40001, 80, 1, header).layers == "ip:tcp:proxy");
  }
  Segments segments;
  CHECK(seen(segments.tcp(40000, 80, 1, "PROXY TCP4 10.0.0.1 10.0")).app.empty());
  CHECK(segments.tcp(40000, 80, 1, second.substr(0, 20)).malformed_at == "proxy");
  CHECK(segments.tcp(40000, 80, 1, second, 20).truncated_at == "proxy");
}

TEST_CASE("nbns: the name inside the name") {
  const std::string header = from_hex("1234 0110 0001 0000 0000 0000");
  const std::string encoded = "FHEPFCELEHFCEPFFFACACACACACACACA";  // WORKGROUP and its kind
  const auto seen = udp(137, 137, header + " " + encoded + std::string(1, '\0') + from_hex("0020 0001"));
  CHECK(seen.app == "nbns");
  CHECK(seen.name == "WORKGROUP");
  CHECK(seen.info == "NBNS WORKGROUP");
  CHECK(udp(137, 137, header + " " + std::string(32, 'Z') + std::string(1, '\0') + from_hex("0020 0001"))
            .name.empty());
}

TEST_CASE("info: a packet without an application shows its transport header") {
  Segments segments;
  CHECK(seen(segments.tcp(443, 51234, 7, "", Segments::kAll, 0x12)).info ==
        "443 → 51234 [SYN, ACK] Seq=7 Ack=0 Win=512 Len=0");
  CHECK(seen(segments.tcp(443, 51234, 7, "xyz", Segments::kAll, 0x00)).info ==
        "443 → 51234 [] Seq=7 Win=512 Len=3");
  CHECK(seen(segments.udp(40000, 40001, "xyz")).info == "40000 → 40001 Len=3");
  CHECK(seen(segments.udp(40000, 40001, "xyz", 2)).info == "40000 → 40001 Len=3 [cut in udp]");
}

TEST_CASE("info: says nothing of the packet before") {
  Segments segments;
  segments.tcp(40000, 80, 1, "GET /before HTTP/1.1\r\nHost: before\r\n\r\n");
  CHECK(seen(segments.tcp(40000, 80, 1000, "POST \r\n\r\n")).info == "POST");
  CHECK(seen(segments.tcp(40000, 80, 2000, "GET /after HTTP/1.1\r\n\r\n")).info == "GET /after");
}

TEST_CASE("info: long texts are cut between characters") {
  Segments segments;
  std::string uri;
  for (int i = 0; i < 300; ++i) uri += "\xc3\xbc";
  const auto info = seen(segments.tcp(40000, 80, 7, "GET /" + uri + " HTTP/1.1\r\n\r\n")).info;
  CHECK(info.size() <= 512);
  CHECK(info.size() >= 511);
  CHECK(info.ends_with("\xc3\xbc"));
}
