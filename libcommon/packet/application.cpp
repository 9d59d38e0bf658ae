#include "libcommon/packet/application.h"

#include <algorithm>
#include <array>
#include <bit>

#include "libcommon/packet/dhcp.h"
#include "libcommon/packet/dhcpv6.h"
#include "libcommon/packet/dns.h"
#include "libcommon/packet/http.h"
#include "libcommon/packet/nbns.h"
#include "libcommon/packet/ntp.h"
#include "libcommon/packet/proxy.h"
#include "libcommon/packet/quic.h"
#include "libcommon/packet/snmp.h"
#include "libcommon/packet/ssh.h"
#include "libcommon/packet/stream_head.h"
#include "libcommon/packet/tls.h"

namespace wl::packet {
namespace {

constexpr size_t kMaxPorts = 8;

/// An application: where it may be found, and what its bytes look like there.
struct Row {
  Transport transport;
  std::array<uint16_t, kMaxPorts> ports;  ///< none: any port
  std::string_view first_bytes;           ///< one of these comes first; empty: any
  bool (*recognise)(const ByteReader& payload);
  const Protocol* protocol;
};

using enum Transport;

constexpr std::string_view kMethodLetters{"ABCDGHILMNOPRSTUV\r"};
constexpr std::string_view kTlsTypes{"\x14\x15\x16\x17\x18"};

constexpr std::string_view kBootpOperations{"\x01\x02"};
constexpr std::string_view kBerSequence{"\x30"};
/// 0x80 to 0xff: the form bit of a QUIC header.
constexpr auto kLongHeaderBytes = [] {
  std::array<char, 128> bytes{};
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(0x80 + i);
  return bytes;
}();
constexpr std::string_view kLongHeaders{kLongHeaderBytes.data(), kLongHeaderBytes.size()};

/// The first row that fits counts.
constexpr Row kRows[] = {
    {udp, {53}, {}, is_dns, &kDns},
    {udp, {5353}, {}, is_dns, &kMdns},
    {udp, {5355}, {}, is_dns, &kLlmnr},
    {udp, {137}, {}, is_dns, &kNbns},
    {udp, {123}, {}, is_ntp, &kNtp},
    {udp, {67, 68}, kBootpOperations, is_dhcp, &kDhcp},
    {udp, {546, 547}, {}, is_dhcpv6, &kDhcpv6},
    {udp, {161, 162}, kBerSequence, is_snmp, &kSnmp},
    {udp, {}, kLongHeaders, is_quic, &kQuic},
    {udp, {}, {}, is_plain_dns, &kDns},
    {tcp, {}, kTlsTypes, is_tls, &kTls},
    {tcp, {}, kMethodLetters, is_http, &kHttp},
    {tcp, {80, 631, 3128, 8000, 8008, 8080, 8888}, kMethodLetters, is_http_request, &kHttp},
    {tcp, {}, "P\r", is_proxy, &kProxy},
    {tcp, {}, "S", is_ssh, &kSsh},
    {tcp, {53}, {}, is_dns_tcp, &kDnsTcp},
};

/// Bit i: kRows[i] may begin with this byte.
using Candidates = uint32_t;
static_assert(std::size(kRows) <= 32);

constexpr std::array<Candidates, 256> candidates_of(Transport transport) {
  std::array<Candidates, 256> table{};
  for (size_t i = 0; i < std::size(kRows); ++i) {
    const Row& row = kRows[i];
    if (row.transport != transport) continue;
    for (size_t byte = 0; byte < table.size(); ++byte) {
      const bool fits = row.first_bytes.empty() || row.first_bytes.contains(static_cast<char>(byte));
      if (fits) table[byte] |= Candidates{1} << i;
    }
  }
  return table;
}

constexpr std::array<std::array<Candidates, 256>, 2> kByFirstByte{candidates_of(tcp), candidates_of(udp)};

bool port_fits(const Row& row, uint16_t source, uint16_t destination) {
  if (row.ports[0] == 0) return true;
  for (const uint16_t port : row.ports) {
    if (port == 0) return false;
    if (port == source || port == destination) return true;
  }
  return false;
}

}  // namespace

Next application(Transport transport, const ByteReader& payload, Context& context) {
  if (transport == tcp) {
    if (const Next next = continue_head(payload, context); next.protocol != nullptr) return next;
  }
  const auto first = payload.at(0);
  if (!first) return {};
  const record::Packet& packet = context.out;
  for (Candidates rest = kByFirstByte[static_cast<size_t>(transport)][*first]; rest != 0; rest &= rest - 1) {
    const Row& row = kRows[std::countr_zero(rest)];
    if (port_fits(row, packet.src_port, packet.dst_port) && row.recognise(payload)) {
      return {row.protocol, payload};
    }
  }
  return {};
}

}  // namespace wl::packet
