#include "libcommon/filter/filter.h"

#include <catch2/catch.hpp>

using wl::filter::Filter;
using wl::record::Field;
using wl::record::Ip;
using wl::record::Packet;

namespace {

bool matches(const std::string& text, const Packet& packet) {
  auto filter = Filter::parse(text);
  INFO(text);
  INFO((filter ? "" : filter.error().line()));
  REQUIRE(filter);
  return filter->matches(packet);
}

std::string refusal(const std::string& text) {
  const auto filter = Filter::parse(text);
  return filter ? "taken" : filter.error().text;
}

Ip v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d) { return {.bytes = {a, b, c, d}, .version = 4}; }

Packet query() {
  Packet packet;
  packet.set_n(3);
  packet.set_len(74);
  packet.set_layers("eth:ip:udp:dns");
  packet.set_src_ip(v4(10, 0, 0, 7));
  packet.set_dst_ip(v4(192, 0, 2, 53));
  packet.set_src_port(40000);
  packet.set_dst_port(53);
  packet.set_payload_len(32);
  packet.set_dns_qname("www.Example.com");
  packet.set_dns_qtype("AAAA");
  packet.set_dns_response(false);
  packet.has_time = true;
  packet.time_ns = 1'400'000'000'250'000'000;
  return packet;
}

}  // namespace

TEST_CASE("a filter asks for any value, for all, or for none") {
  const Packet packet = query();
  CHECK(matches("udp.port == 53", packet));
  CHECK(matches("any udp.port != 53", packet));
  CHECK_FALSE(matches("udp.port != 53", packet));
  CHECK(matches("udp.port != 54", packet));
  CHECK_FALSE(matches("udp.port === 53", packet));
  CHECK(matches("udp.port !== 53", packet));
  CHECK(matches("all udp.port >= 53", packet));
  CHECK_FALSE(matches("all udp.port > 53", packet));
  // What is not there differs from nothing, and is in no set.
  CHECK_FALSE(matches("tcp.port != 53", packet));
  CHECK_FALSE(matches("tcp.port in {53}", packet));
  CHECK(matches("tcp.port not in {53}", packet));
}

TEST_CASE("a filter knows fields by their own and by Wireshark's names") {
  const Packet packet = query();
  for (const char* const text :
       {"src_ip == 10.0.0.0/8", "ip.src == 10.0.0.7", "dns_qname == \"www.Example.com\"", "dns_qtype == AAAA",
        "dns.qry.type == 28", "dst_port == 53", "udp.length == 40", "ip.addr == 192.0.2.53",
        "dns.flags.response == False", "frame.time == \"2014-05-13 16:53:20.25\"",
        "frame.time_epoch == 1400000000.25", "ts >= \"2014-05-13\"", "frame", "dns", "len == 0x4a",
        "ip.src < ip.dst", "dns.qry.name matches \"^WWW\\\\.\"", "dns.qry.name contains 'E'", ""}) {
    CHECK(matches(text, packet));
  }
  for (const char* const text : {"tcp", "dns.qry.name contains \"WWW\"", "dns.qry.name matches \"(?-i)^WWW\"",
                                 "ipv6.src", "udp.srcport == udp.dstport", "udp.length & 1", "dns.a"}) {
    CHECK_FALSE(matches(text, packet));
  }
}

TEST_CASE("a field is there in what shares it, and only as what it is") {
  Packet packet = query();
  for (const char* const layers : {"eth:ip:udp:mdns", "eth:ip:udp:llmnr"}) {
    packet.set_layers(layers);
    CHECK(matches("dns.qry.name contains \"Example\" and not dns", packet));
  }
  packet.set_layers("eth:ip:udp:nbns");
  CHECK_FALSE(matches("dns.qry.name", packet));
  packet.set_layers("sll2:ip:udplite");
  CHECK(matches("sll and udp.port == 53 and not udp", packet));

  packet.set_vlan(200);
  packet.set_vlan_inner(100);
  packet.set_layers("eth:ieee8021ad:vlan:ip:udp");
  CHECK(matches("vlan.id === 100 and ieee8021ad.id === 200", packet));
  packet.set_layers("eth:vlan:vlan:ip:udp");
  CHECK(matches("vlan.id == 100 and vlan.id == 200 and not ieee8021ad.id", packet));

  CHECK_FALSE(matches("http.request or http.response", packet));
  packet.set_layers("eth:ip:tcp:http");
  packet.set_http_method("GET");
  packet.set_tcp_flags(0x12);
  CHECK(matches("http.request == 1 and not http.response and tcp.flags == 0x012 and tcp.flags & 2", packet));
}

TEST_CASE("a text has the escapes of Wireshark") {
  Packet packet = query();
  CHECK(matches(R"(dns.qry.name contains "\056Example\x2ecom")", packet));
  CHECK(matches(R"(dns.qry.name matches "^www\\.[a-z]+\\.com$")", packet));
  CHECK_FALSE(matches(R"(dns.qry.name contains "")", packet));
  CHECK(refusal(R"(dns.qry.name matches "\.com$")") ==
        R"(column 23: \. means nothing here (\\ is a backslash))");
  CHECK(refusal(R"(dns.qry.name == "\400")") == R"(column 19: more than \377, the largest byte)");
  CHECK(refusal("dns.qry.name matches com") == R"(column 22: an expression stands between quotes: "com")");
  CHECK(refusal("eth.type == 0x0800") ==
        R"(column 1: "eth.type" is no field or protocol that filters know, did you mean eth_type?)");
  CHECK(refusal("_ws.malformed").ends_with("did you mean malformed_at?"));
}

TEST_CASE("and binds closer than or, not closer than both") {
  const Packet packet = query();
  CHECK(matches("udp or tcp and tcp", packet));
  CHECK_FALSE(matches("(udp or tcp) and tcp", packet));
  CHECK(matches("not tcp and udp", packet));
  CHECK_FALSE(matches("not (tcp or udp)", packet));
  CHECK(matches("!!udp", packet));
}

TEST_CASE("a packet that was not decoded has no layers of the one before") {
  Packet packet = query();
  packet.present.clear();
  CHECK_FALSE(matches("udp", packet));
  CHECK_FALSE(matches("udp.port", packet));
  CHECK(matches("frame and not udp", packet));
}

TEST_CASE("a filter asks for no more than it looks at") {
  const auto filter = Filter::parse("ip.src == 10.0.0.1 and frame.len > 5");
  REQUIRE(filter);
  CHECK(filter->fields() == wl::record::FieldSet{Field::src_ip, Field::layers, Field::len});
}

TEST_CASE("a refusal names the column") {
  CHECK(refusal("tcp.prot == 1") ==
        "column 1: \"tcp.prot\" is no field or protocol that filters know, did you mean tcp.port?");
  CHECK(refusal("tcp and") == "column 8: the filter ends too early");
  CHECK(refusal("tcp.port == 65536") == "column 13: \"65536\" is no value of tcp.port: numbers up to 65535");
  CHECK(refusal("ip.src[0] == 1") == "column 7: slices are not taken here");
  CHECK(refusal("dns.qry.name == \"x") == "column 17: the text has no closing quote");
  CHECK(refusal("any tcp") == "column 1: any and all stand before a comparison");
  CHECK(refusal("udp contains \"x\"") == "column 5: udp is a protocol: it stands alone");
  CHECK(refusal("ip.ttl % 3") == "column 8: \"%\" means nothing here");
  CHECK(refusal(std::string(500, '(')) == "column 201: nested too deep");
  CHECK(refusal(std::string(1 << 17, ' ')).ends_with("the filter is too long"));
}

TEST_CASE("a value is taken whole or not at all") {
  for (const char* const text :
       {"frame.time_epoch == 5.123456789xyz", "frame.time_epoch == 5.-1", "frame.time_epoch == -0",
        "frame.time_epoch == 99999999999999999999", "eth.src == a:1b:1c:1d:1e:12f",
        "eth.src == aabb.ccdd-eeff", "frame.len == 0x", "frame.len == 0b2", "ip.src == 10.0.0.1/33",
        "tcp.port == 18446744073709551616"}) {
    INFO(text);
    CHECK(refusal(text) != "taken");
  }
  CHECK(matches("frame.time_epoch == 1400000000.2500000001", query()));  // a tenth of a nanosecond is cut
}

TEST_CASE("a long filter is no deep one") {
  std::string text = "tcp";
  while (text.size() < 60'000) text += " or tcp";
  CHECK(matches(text + " or udp", query()));
}
