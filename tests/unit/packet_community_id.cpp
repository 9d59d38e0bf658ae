#include <catch2/catch.hpp>

#include "libcommon/packet/community_id.h"
#include "libcommon/packet/local_addresses.h"

using namespace wl;

namespace {

record::Packet flow(std::string_view source, std::string_view destination, uint8_t protocol) {
  record::Packet packet;
  packet.set_src_ip(packet::parse_network(source)->address);
  packet.set_dst_ip(packet::parse_network(destination)->address);
  packet.set_ip_proto(protocol);
  return packet;
}

std::string id_of(const record::Packet& packet) {
  packet::Scratch scratch;
  packet::CommunityId community_id;
  return std::string(community_id.text(packet, scratch));
}

std::string with_ports(std::string_view source, uint16_t source_port, std::string_view destination,
                       uint16_t destination_port, uint8_t protocol) {
  record::Packet packet = flow(source, destination, protocol);
  packet.set_src_port(source_port);
  packet.set_dst_port(destination_port);
  return id_of(packet);
}

std::string icmp(std::string_view source, std::string_view destination, uint8_t protocol, uint8_t type,
                 uint8_t code) {
  record::Packet packet = flow(source, destination, protocol);
  packet.set_icmp_type(type);
  packet.set_icmp_code(code);
  return id_of(packet);
}

}  // namespace

// The expected texts are the published baseline of the specification (baseline_deflt.json).
TEST_CASE("community id: TCP, UDP and SCTP, the same in both directions") {
  CHECK(with_ports("128.232.110.120", 34855, "66.35.250.204", 80, 6) == "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
  CHECK(with_ports("66.35.250.204", 80, "128.232.110.120", 34855, 6) == "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
  CHECK(with_ports("192.168.1.52", 54585, "8.8.8.8", 53, 17) == "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
  CHECK(with_ports("8.8.8.8", 53, "192.168.1.52", 54585, 17) == "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
  CHECK(with_ports("192.168.170.8", 7, "192.168.170.56", 7, 132) == "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs=");
  CHECK(with_ports("192.168.170.56", 7, "192.168.170.8", 7, 132) == "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs=");
  CHECK(with_ports("2001:470:e5bf:dead:4957:2174:e82c:4887", 63943, "2607:f8b0:400c:c03::1a", 25, 6) ==
        "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=");
  CHECK(with_ports("2607:f8b0:400c:c03::1a", 25, "2001:470:e5bf:dead:4957:2174:e82c:4887", 63943, 6) ==
        "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=");
}

TEST_CASE("community id: between equal addresses the ports decide") {
  CHECK(with_ports("127.0.0.1", 1, "127.0.0.1", 2, 6) == with_ports("127.0.0.1", 2, "127.0.0.1", 1, 6));
  CHECK(with_ports("127.0.0.1", 1, "127.0.0.1", 2, 6) != with_ports("127.0.0.1", 1, "127.0.0.1", 3, 6));
}

TEST_CASE("community id: ICMP questions and answers are one flow") {
  CHECK(icmp("192.168.0.89", "192.168.0.1", 1, 8, 0) == "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=");
  CHECK(icmp("192.168.0.1", "192.168.0.89", 1, 0, 0) == "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=");
  CHECK(icmp("10.0.0.1", "10.0.0.2", 1, 11, 0) == "1:YHxtAirCG//0OzkcVAukqKQN9xM=");
  CHECK(icmp("fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 58, 135, 0) ==
        "1:dGHyGvjMfljg6Bppwm3bg0LO8TY=");
  CHECK(icmp("fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 58, 136, 0) ==
        "1:dGHyGvjMfljg6Bppwm3bg0LO8TY=");
  CHECK(icmp("fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 58, 135, 0) ==
        "1:zavyT/cezQr1fmImYCwYnMXbgck=");
  CHECK(icmp("3ffe:507:0:1:200:86ff:fe05:80da", "3ffe:501:0:1001::2", 58, 128, 0) ==
        "1:+TW+HtLHvV1xnGhV1lv7XoJrqQg=");
  CHECK(icmp("3ffe:501:0:1001::2", "3ffe:507:0:1:200:86ff:fe05:80da", 58, 129, 0) ==
        "1:+TW+HtLHvV1xnGhV1lv7XoJrqQg=");
  CHECK(icmp("fe80::200:86ff:fe05:80da", "ff02::2", 58, 133, 0) == "1:hO+sN4H+MG5MY/8hIrXPqc4ZQz0=");
  CHECK(icmp("fe80::260:97ff:fe07:69ea", "ff02::1", 58, 134, 0) == "1:pkvHqCL88/tg1k4cPigmZXUtL00=");
}

TEST_CASE("community id: ICMP errors go one way") {
  CHECK(icmp("3ffe:501:1800:2345::2", "3ffe:507:0:1:200:86ff:fe05:80da", 58, 3, 0) ==
        "1:2ObVBgIn28oZvibYZhZMBgh7WdQ=");
  CHECK(icmp("3ffe:501:410:0:2c0:dfff:fe47:33e", "3ffe:507:0:1:200:86ff:fe05:80da", 58, 1, 4) ==
        "1:hLZd0XGWojozrvxqE0dWB1iM6R0=");
  CHECK(icmp("10.0.0.2", "10.0.0.1", 1, 3, 1) != icmp("10.0.0.1", "10.0.0.2", 1, 3, 1));
}

TEST_CASE("community id: other protocols by their addresses") {
  CHECK(id_of(flow("10.1.12.1", "10.1.12.2", 46)) == "1:KHlLkgoJW7ifUTyTSgyVfkFHzKw=");
  CHECK(id_of(flow("10.1.12.2", "10.1.12.1", 46)) == "1:KHlLkgoJW7ifUTyTSgyVfkFHzKw=");
}

TEST_CASE("community id: no flow, no text") {
  CHECK(id_of(record::Packet{}).empty());
  CHECK(id_of(flow("10.0.0.1", "10.0.0.2", 6)).empty());  // a fragment without ports
  CHECK(id_of(flow("10.0.0.1", "10.0.0.2", 1)).empty());
}
