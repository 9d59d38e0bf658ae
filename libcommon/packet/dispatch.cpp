#include "libcommon/packet/dispatch.h"

#include <array>
#include <memory>
#include <span>

#include "libcommon/packet/arp.h"
#include "libcommon/packet/ayiya.h"
#include "libcommon/packet/capwap.h"
#include "libcommon/packet/dccp.h"
#include "libcommon/packet/erspan.h"
#include "libcommon/packet/etherip.h"
#include "libcommon/packet/ethernet.h"
#include "libcommon/packet/fabric_path.h"
#include "libcommon/packet/geneve.h"
#include "libcommon/packet/gre.h"
#include "libcommon/packet/gtp.h"
#include "libcommon/packet/icmp.h"
#include "libcommon/packet/ipsec.h"
#include "libcommon/packet/ipv4.h"
#include "libcommon/packet/ipv6.h"
#include "libcommon/packet/l2tp.h"
#include "libcommon/packet/llc.h"
#include "libcommon/packet/mpls.h"
#include "libcommon/packet/named.h"
#include "libcommon/packet/nsh.h"
#include "libcommon/packet/ppp.h"
#include "libcommon/packet/pppoe.h"
#include "libcommon/packet/sctp.h"
#include "libcommon/packet/tcp.h"
#include "libcommon/packet/teredo.h"
#include "libcommon/packet/udp.h"
#include "libcommon/packet/vlan.h"
#include "libcommon/packet/vxlan.h"

namespace wl::packet {
namespace {

struct Row {
  uint16_t number;
  const Protocol* protocol;
};

constexpr Row kEthertypes[] = {
    {0x0800, &kIpv4},
    {0x0806, &kArp},
    {0x0842, &kWakeOnLan},
    {0x22eb, &kErspan3},
    {0x6558, &kEthernet},
    {0x8035, &kArp},
    {0x809b, &kAppleTalk},
    {0x80f3, &kAarp},
    {0x8100, &kVlan},
    {0x8137, &kIpx},
    {0x86dd, &kIpv6},
    {0x8808, &kMacControl},
    {0x8809, &kSlow},
    {0x880b, &kPpp},
    {0x8847, &kMpls},
    {0x8848, &kMpls},
    {0x8863, &kPppoeDiscovery},
    {0x8864, &kPppoeSession},
    {0x8870, &kLlc},
    {0x888e, &kEapol},
    {0x8892, &kProfinet},
    {0x8899, &kRealtek},
    {0x88a4, &kEtherCat},
    {0x88a8, &kProviderVlan},
    {0x88b8, &kGoose},
    {0x88cc, &kLldp},
    {0x88e5, &kMacsec},
    {0x88e7, &kBackboneTag},
    {0x88f7, &kPtp},
    {0x8903, &kFabricPath},
    {0x8906, &kFcoe},
    {0x8926, &kVnTag},
    {0x893f, &kETag},
    {0x894f, &kNsh},
    {0x9000, &kLoopback},
    {0x9100, &kVlan},
    {0x9200, &kVlan},
    {0x9300, &kVlan},
};

constexpr Row kIpProtocols[] = {
    {1, &kIcmp},         {2, &kIgmp},   {4, &kIpv4},      {6, &kTcp},    {17, &kUdp},   {33, &kDccp},
    {41, &kIpv6},        {46, &kRsvp},  {47, &kGre},      {50, &kEsp},   {51, &kAh},    {58, &kIcmpv6},
    {88, &kEigrp},       {89, &kOspf},  {97, &kEtherIp},  {103, &kPim},  {112, &kVrrp}, {113, &kPgm},
    {115, &kL2tpOverIp}, {132, &kSctp}, {136, &kUdpLite}, {137, &kMpls},
};

/// A tunnel at its registered port. A port proves nothing (it may be anyone's ephemeral one), so the first
/// bytes have to fit: those under `mask` are `value` in the first 4 bytes.
struct UdpTunnel {
  uint16_t port;
  const Protocol* protocol;
  uint32_t mask;
  uint32_t value;
};
constexpr UdpTunnel kUdpTunnels[] = {
    {1701, &kL2tp, 0x000e0000, 0x00020000},   // version 2 or 3
    {2123, &kGtp, 0x80000000, 0},             // versions 0 to 3
    {2152, &kGtp, 0xf0000000, 0x30000000},    // version 1, not GTP'
    {3386, &kGtp, 0x80000000, 0},             //
    {3544, &kTeredo, 0x90000000, 0},          // 6, or an indicator of 0 or 1
    {4500, &kUdpEncap, 0, 0},                 //
    {4789, &kVxlan, 0x08000000, 0x08000000},  // has an identifier
    {4790, &kVxlanGpe, 0xc0000000, 0},        // version 0
    {5072, &kAyiya, 0xf0000000, 0x40000000},  // identity of 16 bytes
    {5247, &kCapwap, 0xfe000000, 0},          // version 0, plain or DTLS
    {6081, &kGeneve, 0xc03f0000, 0},          // version 0, nothing reserved
    {6635, &kMpls, 0, 0},                     //
    {8472, &kVxlan, 0xff000000, 0x08000000},  // Linux, before a port was registered
};

struct Name {
  uint8_t number;
  std::string_view text;
};
constexpr Name kIpProtocolNames[] = {
    {0, "hopopt"}, {1, "icmp"},     {2, "igmp"},    {4, "ipip"},      {6, "tcp"},
    {17, "udp"},   {33, "dccp"},    {41, "ipv6"},   {46, "rsvp"},     {47, "gre"},
    {50, "esp"},   {51, "ah"},      {58, "icmpv6"}, {59, "nonxt"},    {88, "eigrp"},
    {89, "ospf"},  {97, "etherip"}, {103, "pim"},   {108, "ipcomp"},  {112, "vrrp"},
    {113, "pgm"},  {115, "l2tp"},   {132, "sctp"},  {136, "udplite"}, {137, "mpls"},
};

/// Numbers to protocols by direct index. The zero pages of an unused number range cost no memory.
template <size_t Size>
class Table {
 public:
  explicit Table(std::span<const Row> rows) {
    for (const Row& row : rows) entries_[row.number] = row.protocol;
  }
  [[nodiscard]] const Protocol* operator[](size_t number) const { return entries_[number]; }

 private:
  std::array<const Protocol*, Size> entries_{};
};

const Table<65536> kByEthertype(kEthertypes);
const Table<256> kByIpProtocol(kIpProtocols);

const std::array<const UdpTunnel*, 65536> kByUdpPort = [] {
  std::array<const UdpTunnel*, 65536> tunnels{};
  for (const UdpTunnel& tunnel : kUdpTunnels) tunnels[tunnel.port] = &tunnel;
  return tunnels;
}();

/// Decimal text of all numbers below Count, for what has no name.
template <size_t Count>
struct NumberTexts {
  std::array<std::array<char, 8>, Count> texts{};
  constexpr NumberTexts() {
    for (size_t i = 0; i < Count; ++i) {
      size_t digits = 1;
      for (size_t rest = i; rest >= 10; rest /= 10) ++digits;
      size_t rest = i;
      for (size_t at = digits; at-- > 0; rest /= 10) texts[i][at] = static_cast<char>('0' + rest % 10);
    }
  }
  [[nodiscard]] std::string_view operator[](size_t number) const { return texts[number].data(); }
};
constexpr NumberTexts<256> kNumbers;

const std::array<std::string_view, 256> kProtocolNames = [] {
  std::array<std::string_view, 256> names{};
  for (size_t i = 0; i < names.size(); ++i) names[i] = kNumbers[i];
  for (const Name& name : kIpProtocolNames) names[name.number] = name.text;
  return names;
}();

}  // namespace

const Protocol* by_next_protocol(uint8_t number) {
  switch (number) {
    case 1: return &kIpv4;
    case 2: return &kIpv6;
    case 3: return &kEthernet;
    case 4: return &kNsh;
    case 5: return &kMpls;
    default: return nullptr;
  }
}

const Protocol* by_ethertype(uint16_t ethertype) { return kByEthertype[ethertype]; }
const Protocol* by_ip_protocol(uint8_t number) { return kByIpProtocol[number]; }
std::string_view ip_protocol_name(uint8_t number) { return kProtocolNames[number]; }

const Protocol* by_ip_version(const ByteReader& packet) {
  switch (packet.at(0).value_or(0) >> 4) {
    case 4: return &kIpv4;
    case 6: return &kIpv6;
    default: return nullptr;
  }
}

const Protocol* by_udp_port(uint16_t source, uint16_t destination, const ByteReader& payload) {
  const UdpTunnel* tunnel = kByUdpPort[destination];
  if (tunnel == nullptr) tunnel = kByUdpPort[source];
  if (tunnel == nullptr) return nullptr;
  const auto start = payload.peek<4>();
  const bool fits = start ? (start->u32<0>() & tunnel->mask) == tunnel->value : tunnel->mask == 0;
  return fits ? tunnel->protocol : nullptr;
}

Next upper_layer(uint8_t number, const ByteReader& rest, Context& context) {
  const Protocol* const protocol = by_ip_protocol(number);
  const bool over_ipv4 = context.out.ip_version == 4;
  if (protocol == &kIpv4) context.enter_tunnel(over_ipv4 ? "ipip" : "4in6");
  if (protocol == &kIpv6) context.enter_tunnel(over_ipv4 ? "6in4" : "6in6");
  if (protocol == &kMpls) context.enter_tunnel("mpls");
  return go_on(protocol, rest);
}

}  // namespace wl::packet
