#include "libcommon/packet/dispatch.h"

#include <array>
#include <memory>
#include <span>

#include "libcommon/packet/ethernet.h"
#include "libcommon/packet/ipv4.h"
#include "libcommon/packet/ipv6.h"
#include "libcommon/packet/tcp.h"
#include "libcommon/packet/udp.h"

namespace wl::packet {
namespace {

struct Row {
  uint16_t number;
  const Protocol* protocol;
};

struct LinkRow {
  uint16_t number;
  LinkType type;
};

constexpr LinkRow kLinkTypes[] = {
    {1, {"ethernet", &kEthernet}},
    {228, {"ipv4", &kIpv4}},
    {229, {"ipv6", &kIpv6}},
};

constexpr Row kEthertypes[] = {
    {0x0800, &kIpv4},
    {0x86dd, &kIpv6},
};

constexpr Row kIpProtocols[] = {
    {4, &kIpv4}, {6, &kTcp}, {17, &kUdp}, {41, &kIpv6}, {136, &kUdpLite},
};

/// Tunnels by their registered port.
constexpr std::array<Row, 0> kUdpPorts{};

struct Name {
  uint8_t number;
  std::string_view text;
};
constexpr Name kIpProtocolNames[] = {
    {0, "hopopt"}, {1, "icmp"},   {2, "igmp"},   {4, "ipip"},     {6, "tcp"},       {17, "udp"},
    {33, "dccp"},  {41, "ipv6"},  {47, "gre"},   {50, "esp"},     {51, "ah"},       {58, "icmpv6"},
    {59, "nonxt"}, {88, "eigrp"}, {89, "ospf"},  {97, "etherip"}, {103, "pim"},     {108, "ipcomp"},
    {112, "vrrp"}, {113, "pgm"},  {115, "l2tp"}, {132, "sctp"},   {136, "udplite"}, {137, "mpls"},
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
const Table<65536> kByUdpPort(kUdpPorts);

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

LinkType by_link_type(uint16_t link_type) {
  for (const LinkRow& row : kLinkTypes) {
    if (row.number == link_type) return row.type;
  }
  return {};
}

const Protocol* by_ethertype(uint16_t ethertype) { return kByEthertype[ethertype]; }
const Protocol* by_ip_protocol(uint8_t number) { return kByIpProtocol[number]; }
std::string_view ip_protocol_name(uint8_t number) { return kProtocolNames[number]; }

const Protocol* by_udp_port(uint16_t source, uint16_t destination) {
  const Protocol* const protocol = kByUdpPort[destination];
  return protocol != nullptr ? protocol : kByUdpPort[source];
}

}  // namespace wl::packet
