#include "libcommon/packet/info.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "libcommon/ndjson/text.h"
#include "libcommon/packet/dhcp.h"

namespace wl::packet {
namespace {

using record::Field;
using record::Packet;

constexpr size_t kMaxLine = 512;

/// A line of bounded length.
class Line {
 public:
  explicit Line(std::span<char> room) : begin_(room.data()), at_(begin_), end_(begin_ + room.size()) {}

  Line& operator<<(std::string_view text) {
    if (text.empty()) return *this;
    size_t size = std::min(text.size(), static_cast<size_t>(end_ - at_));
    // Not in the middle of a character.
    while (size < text.size() && size > 0 && (static_cast<uint8_t>(text[size]) & 0xc0) == 0x80) --size;
    at_ = ndjson::put(at_, text.substr(0, size));
    return *this;
  }
  Line& operator<<(uint32_t number) {
    std::array<char, ndjson::kMaxNumber> digits;
    const char* const end = ndjson::put_u32(digits.data(), number);
    return *this << std::string_view(digits.data(), static_cast<size_t>(end - digits.data()));
  }
  Line& operator<<(const record::Ip& ip) {
    std::array<char, ndjson::kMaxAddress> text;
    const char* const end = ip.version == 4 ? ndjson::put_ipv4(text.data(), ip.bytes.data())
                                            : ndjson::put_ipv6(text.data(), ip.bytes.data());
    return *this << std::string_view(text.data(), static_cast<size_t>(end - text.data()));
  }
  [[nodiscard]] char* end() const { return at_; }
  [[nodiscard]] std::string_view text() const { return {begin_, static_cast<size_t>(at_ - begin_)}; }

 private:
  char* begin_;
  char* at_;
  char* end_;
};

bool has(const Packet& packet, Field field) { return packet.present.has(field); }

void put_ports(const Packet& packet, Line& line) { line << packet.src_port << " → " << packet.dst_port; }

void put_tcp(const Packet& packet, Line& line) {
  constexpr std::string_view kNames[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};
  put_ports(packet, line);
  if (!has(packet, Field::tcp_flags)) return;
  line << " [";
  bool first = true;
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if ((packet.tcp_flags >> i & 1) == 0) continue;
    line << (first ? "" : ", ") << kNames[i];
    first = false;
  }
  line << "] Seq=" << packet.tcp_seq;
  if (has(packet, Field::tcp_ack) && (packet.tcp_flags & 0x10U) != 0) line << " Ack=" << packet.tcp_ack;
  if (has(packet, Field::tcp_window)) line << " Win=" << packet.tcp_window;
  if (has(packet, Field::payload_len)) line << " Len=" << packet.payload_len;
}

void put_dns(const Packet& packet, Line& line) {
  line << (packet.app == "dns" ? "DNS" : packet.app == "mdns" ? "mDNS" : "LLMNR");
  line << (has(packet, Field::dns_rcode) ? " response" : " query");
  if (has(packet, Field::dns_qtype)) line << " " << packet.dns_qtype;
  if (has(packet, Field::dns_qname)) line << " " << packet.dns_qname;
  if (has(packet, Field::dns_rcode) && packet.dns_rcode != "NOERROR") line << " " << packet.dns_rcode;
  if (!has(packet, Field::dns_answers)) return;
  std::string_view before = ": ";
  for (const std::string_view answer : packet.dns_answers) {
    line << before << answer;
    before = ", ";
  }
}

void put_http(const Packet& packet, Line& line) {
  if (has(packet, Field::http_status)) {
    line << "HTTP " << packet.http_status;
  } else if (has(packet, Field::http_method)) {
    line << packet.http_method;
    if (has(packet, Field::http_uri)) line << " " << packet.http_uri;
    if (has(packet, Field::http_host)) line << " (" << packet.http_host << ")";
  } else {
    line << "HTTP";
    if (has(packet, Field::http_host)) line << " (" << packet.http_host << ")";
  }
}

void put_tls(const Packet& packet, std::string_view protocol, Line& line) {
  line << protocol;
  if (has(packet, Field::tls_version)) line << " " << packet.tls_version;
  if (has(packet, Field::tls_sni)) {
    line << " Client Hello " << packet.tls_sni;
  } else if (has(packet, Field::tls_version)) {
    line << " Hello";
  }
}

void put_dhcp(const Packet& packet, Line& line) {
  constexpr std::string_view kTypes[] = {"",    "Discover", "Offer",   "Request", "Decline",
                                         "ACK", "NAK",      "Release", "Inform"};
  const ByteReader payload(packet.payload, packet.payload.size());
  const uint8_t type = has(packet, Field::payload) ? dhcp_message_type(payload) : uint8_t{0};
  line << "DHCP";
  if (type != 0 && type < std::size(kTypes)) line << " " << kTypes[type];
}

/// The first line of the payload, without what is not printable ASCII.
void put_banner(const Packet& packet, Line& line) {
  for (const uint8_t byte : packet.payload) {
    if (byte < 0x20 || byte > 0x7e) break;
    const char c = static_cast<char>(byte);
    line << std::string_view(&c, 1);
  }
}

void put_app(const Packet& packet, Line& line) {
  const std::string_view app = packet.app;
  if (app == "dns" || app == "mdns" || app == "llmnr") return put_dns(packet, line);
  if (app == "http") return put_http(packet, line);
  if (app == "tls") return put_tls(packet, "TLS", line);
  if (app == "quic") return put_tls(packet, "QUIC", line);
  if (app == "dhcp") return put_dhcp(packet, line);
  if (app == "ssh" && has(packet, Field::payload)) return put_banner(packet, line);
  if (app == "dhcpv6") return void(line << "DHCPv6");
  for (const char c : app) {
    const char upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    line << std::string_view(&upper, 1);
  }
  if (has(packet, Field::name)) line << " " << packet.name;
}

struct TypeName {
  uint8_t type;
  std::string_view name;
};
constexpr TypeName kIcmpTypes[] = {
    {0, "Echo reply"},       {3, "Destination unreachable"}, {5, "Redirect"},
    {8, "Echo request"},     {9, "Router advertisement"},    {10, "Router solicitation"},
    {11, "Time exceeded"},   {12, "Parameter problem"},      {13, "Timestamp request"},
    {14, "Timestamp reply"},
};
constexpr TypeName kIcmpv6Types[] = {
    {1, "Destination unreachable"},
    {2, "Packet too big"},
    {3, "Time exceeded"},
    {4, "Parameter problem"},
    {128, "Echo request"},
    {129, "Echo reply"},
    {130, "Listener query"},
    {131, "Listener report"},
    {132, "Listener done"},
    {133, "Router solicitation"},
    {134, "Router advertisement"},
    {135, "Neighbor solicitation"},
    {136, "Neighbor advertisement"},
    {137, "Redirect"},
    {143, "Listener report"},
};

void put_icmp(const Packet& packet, Line& line) {
  const bool six = has(packet, Field::proto) && packet.proto == "icmpv6";
  const std::span<const TypeName> names = six ? std::span<const TypeName>(kIcmpv6Types) : kIcmpTypes;
  const auto found = std::ranges::find(names, packet.icmp_type, &TypeName::type);
  if (found != names.end()) {
    line << found->name;
  } else {
    line << "type " << packet.icmp_type;
  }
  if (has(packet, Field::icmp_code) && packet.icmp_code != 0) line << " (code " << packet.icmp_code << ")";
}

void put_arp(const Packet& packet, Line& line) {
  line << "ARP ";
  if (packet.arp_op == 1) {
    line << "request";
  } else if (packet.arp_op == 2) {
    line << "reply";
  } else {
    line << "operation " << packet.arp_op;
  }
}

void put_tunnel(const Packet& packet, Line& line) {
  if (!has(packet, Field::tunnel)) return;
  line << packet.tunnel;
  if (has(packet, Field::inner_src_ip) && has(packet, Field::inner_dst_ip)) {
    line << " " << packet.inner_src_ip << " → " << packet.inner_dst_ip;
  }
  if (has(packet, Field::inner_proto)) line << " " << packet.inner_proto;
  line << ": ";
}

void put_flow(const Packet& packet, Line& line) {
  if (has(packet, Field::tcp_seq)) {
    put_tcp(packet, line);
  } else if (has(packet, Field::icmp_type)) {
    put_icmp(packet, line);
  } else if (has(packet, Field::src_port) && has(packet, Field::dst_port)) {
    put_ports(packet, line);
    if (has(packet, Field::payload_len)) line << " Len=" << packet.payload_len;
  } else if (has(packet, Field::arp_op)) {
    put_arp(packet, line);
  } else if (has(packet, Field::frag_offset)) {
    line << "fragment at " << packet.frag_offset;
  } else if (has(packet, Field::proto)) {
    line << packet.proto;
  } else if (has(packet, Field::link)) {
    line << packet.link;
  }
}

void put_faults(const Packet& packet, Line& line) {
  if (has(packet, Field::malformed_at)) line << " [malformed " << packet.malformed_at << "]";
  if (has(packet, Field::truncated_at)) line << " [cut in " << packet.truncated_at << "]";
}

}  // namespace

std::string_view info_text(const Packet& packet, Scratch& scratch) {
  const auto room = scratch.take(kMaxLine);
  if (room.empty()) return {};
  Line line(room);
  put_tunnel(packet, line);
  if (has(packet, Field::app)) {
    put_app(packet, line);
  } else {
    put_flow(packet, line);
  }
  put_faults(packet, line);
  scratch.give_back(line.end());
  return line.text();
}

}  // namespace wl::packet
