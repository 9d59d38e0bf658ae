// What makes packets be of one kind, and how many kinds are known at once.
#include <cstring>
#include <set>
#include <vector>

#include <catch2/catch.hpp>

#include "libcommon/store/tables.h"

using wl::record::Packet;
using wl::store::KindRows;

namespace {

uint32_t number_of(KindRows& kinds, const Packet& packet, uint32_t interface = 0) {
  return kinds.add(kinds.find(packet, interface), packet, interface);
}

Packet from_host(uint32_t host) {
  Packet packet;
  wl::record::Mac mac{};
  std::memcpy(mac.data(), &host, sizeof host);
  packet.set_eth_src(mac);
  return packet;
}

}  // namespace

TEST_CASE("kinds: one for each difference, and what differs elsewhere makes none") {
  KindRows kinds;
  std::vector<Packet> packets(1);  // one that has nothing
  const auto one = [&](auto set) { set(packets.emplace_back(from_host(0))); };
  one([](Packet&) {});
  one([](Packet& packet) { packet.set_eth_dst({}); });
  one([](Packet& packet) { packet.set_eth_type(0); });
  one([](Packet& packet) { packet.set_vlan(0); });
  one([](Packet& packet) { packet.set_vlan(7); });
  one([](Packet& packet) { packet.set_vlan_inner(7); });
  one([](Packet& packet) { packet.set_mpls_label(7); });
  one([](Packet& packet) { packet.set_pppoe_session(7); });
  one([](Packet& packet) { packet.set_ttl(7); });
  one([](Packet& packet) { packet.set_dscp(7); });
  one([](Packet& packet) { packet.set_arp_op(7); });
  one([](Packet& packet) { packet.set_icmp_type(7); });
  one([](Packet& packet) { packet.set_icmp_code(7); });
  one([](Packet& packet) { packet.set_layers("dns"); });
  one([](Packet& packet) { packet.set_tunnel("dns"); });
  one([](Packet& packet) { packet.set_app("dns"); });
  one([](Packet& packet) { packet.set_app_port("dns"); });
  std::set<uint32_t> numbers;
  for (const Packet& packet : packets) numbers.insert(number_of(kinds, packet));
  numbers.insert(number_of(kinds, packets[1], 1));
  CHECK(numbers.size() == packets.size() + 1);
  CHECK(kinds.batch().rows() == numbers.size());

  for (uint32_t i = 0; i < packets.size(); ++i) {
    INFO(i);
    Packet again = packets[i];
    again.set_tcp_seq(i);
    again.set_ip_id(static_cast<uint16_t>(i));
    CHECK(number_of(kinds, again) == i);
  }
  CHECK(kinds.batch().rows() == numbers.size());
}

TEST_CASE("kinds: when as many are known as may be, they begin anew") {
  KindRows kinds;
  const auto most = static_cast<uint32_t>(KindRows::kMostKnown);
  for (uint32_t host = 0; host < most; ++host) REQUIRE(number_of(kinds, from_host(host)) == host);
  CHECK(number_of(kinds, from_host(0)) == 0);
  CHECK(number_of(kinds, from_host(most)) == most);
  CHECK(number_of(kinds, from_host(0)) == most + 1);
  CHECK(number_of(kinds, from_host(most)) == most);
  CHECK(kinds.batch().rows() == most + 2);
}
