#include "libcommon/filter/fields.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <string>

#include <arpa/inet.h>

#include "libcommon/base/edit_distance.h"
#include "libcommon/packet/dns_text.h"

namespace wl::filter {
namespace {

using record::Field;
using record::Form;
using enum Type;

constexpr uint64_t kBits8 = UINT8_MAX, kBits16 = UINT16_MAX, kBits32 = UINT32_MAX;

constexpr FilterField one(std::string_view name, Type type, uint64_t limit, const Layers& layer, Field of) {
  return {.name = name, .type = type, .limit = limit, .layer = layer, .of = {of}, .sources = 1};
}
constexpr FilterField two(std::string_view name, Type type, uint64_t limit, const Layers& layer, Field first,
                          Field second) {
  return {.name = name, .type = type, .limit = limit, .layer = layer, .of = {first, second}, .sources = 2};
}
constexpr FilterField flag(std::string_view name, uint8_t mask) {
  return {
      .name = name, .type = boolean, .layer = "tcp", .of = {Field::tcp_flags}, .sources = 1, .mask = mask};
}
constexpr FilterField more(FilterField field, uint8_t plus) {
  field.plus = plus;
  return field;
}
constexpr FilterField unless(FilterField field, const Layers& first, const Layers& second) {
  field.unless = {first, second};
  return field;
}

/// What shares the fields of DNS and UDP.
constexpr Layers kDns{"dns", "mdns", "llmnr"}, kUdp{"udp", "udplite"};

/// Wireshark's fields. A row more is a field more.
constexpr FilterField kFields[] = {
    one("frame.number", number, kBits32, "", Field::n),
    one("frame.len", number, kBits32, "", Field::len),
    one("frame.cap_len", number, kBits32, "", Field::caplen),
    one("frame.protocols", text, 0, "", Field::layers),
    {.name = "frame.time", .type = time},
    {.name = "frame.time_epoch", .type = epoch},
    one("eth.src", mac, 0, "eth", Field::eth_src),
    one("eth.dst", mac, 0, "eth", Field::eth_dst),
    two("eth.addr", mac, 0, "eth", Field::eth_src, Field::eth_dst),
    unless(two("vlan.id", number, kBits16, "vlan", Field::vlan, Field::vlan_inner), "ieee8021ad", ""),
    unless(two("ieee8021ad.id", number, kBits16, "ieee8021ad", Field::vlan, Field::vlan_inner), "", "vlan"),
    one("mpls.label", number, kBits32, "mpls", Field::mpls_label),
    one("pppoe.session_id", number, kBits16, "pppoes", Field::pppoe_session),
    one("arp.opcode", number, kBits16, "arp", Field::arp_op),
    one("ip.src", ipv4, 0, "ip", Field::src_ip),
    one("ip.dst", ipv4, 0, "ip", Field::dst_ip),
    two("ip.addr", ipv4, 0, "ip", Field::src_ip, Field::dst_ip),
    one("ip.version", number, kBits8, "ip", Field::ip_version),
    one("ip.ttl", number, kBits8, "ip", Field::ttl),
    one("ip.proto", number, kBits8, "ip", Field::ip_proto),
    one("ip.id", number, kBits16, "ip", Field::ip_id),
    one("ip.dsfield.dscp", number, kBits8, "ip", Field::dscp),
    one("ipv6.src", ipv6, 0, "ipv6", Field::src_ip),
    one("ipv6.dst", ipv6, 0, "ipv6", Field::dst_ip),
    two("ipv6.addr", ipv6, 0, "ipv6", Field::src_ip, Field::dst_ip),
    one("ipv6.version", number, kBits8, "ipv6", Field::ip_version),
    one("ipv6.hlim", number, kBits8, "ipv6", Field::ttl),
    one("ipv6.tclass.dscp", number, kBits32, "ipv6", Field::dscp),
    one("ipv6.fraghdr.ident", number, kBits32, "ipv6", Field::ip_id),
    one("tcp.srcport", number, kBits16, "tcp", Field::src_port),
    one("tcp.dstport", number, kBits16, "tcp", Field::dst_port),
    two("tcp.port", number, kBits16, "tcp", Field::src_port, Field::dst_port),
    one("tcp.len", number, kBits32, "tcp", Field::payload_len),
    one("tcp.seq_raw", number, kBits32, "tcp", Field::tcp_seq),
    one("tcp.ack_raw", number, kBits32, "tcp", Field::tcp_ack),
    one("tcp.window_size_value", number, kBits16, "tcp", Field::tcp_window),
    one("tcp.flags", number, kBits16, "tcp", Field::tcp_flags),
    flag("tcp.flags.fin", 0x01),
    flag("tcp.flags.syn", 0x02),
    flag("tcp.flags.reset", 0x04),
    flag("tcp.flags.push", 0x08),
    flag("tcp.flags.ack", 0x10),
    flag("tcp.flags.urg", 0x20),
    flag("tcp.flags.ece", 0x40),
    flag("tcp.flags.cwr", 0x80),
    one("udp.srcport", number, kBits16, kUdp, Field::src_port),
    one("udp.dstport", number, kBits16, kUdp, Field::dst_port),
    two("udp.port", number, kBits16, kUdp, Field::src_port, Field::dst_port),
    one("dccp.srcport", number, kBits16, "dccp", Field::src_port),
    one("dccp.dstport", number, kBits16, "dccp", Field::dst_port),
    two("dccp.port", number, kBits16, "dccp", Field::src_port, Field::dst_port),
    one("sctp.srcport", number, kBits16, "sctp", Field::src_port),
    one("sctp.dstport", number, kBits16, "sctp", Field::dst_port),
    two("sctp.port", number, kBits16, "sctp", Field::src_port, Field::dst_port),
    one("icmp.type", number, kBits8, "icmp", Field::icmp_type),
    one("icmp.code", number, kBits8, "icmp", Field::icmp_code),
    one("icmpv6.type", number, kBits8, "icmpv6", Field::icmp_type),
    one("icmpv6.code", number, kBits8, "icmpv6", Field::icmp_code),
    one("dns.id", number, kBits16, kDns, Field::dns_id),
    one("dns.flags.response", boolean, 0, kDns, Field::dns_response),
    one("dns.qry.name", text, 0, kDns, Field::dns_qname),
    one("dns.qry.type", number, kBits16, kDns, Field::dns_qtype),
    one("dns.flags.rcode", number, kBits16, kDns, Field::dns_rcode),
    one("dns.a", ipv4, 0, kDns, Field::dns_answers),
    one("dns.aaaa", ipv6, 0, kDns, Field::dns_answers),
    one("http.request", boolean, 0, "http", Field::http_method),
    one("http.response", boolean, 0, "http", Field::http_status),
    one("http.request.method", text, 0, "http", Field::http_method),
    one("http.request.uri", text, 0, "http", Field::http_uri),
    one("http.host", text, 0, "http", Field::http_host),
    one("http.response.code", number, kBits16, "http", Field::http_status),
    one("tls.handshake.extensions_server_name", text, 0, "", Field::tls_sni),
    one("tls.handshake.extensions_alpn_str", text, 0, "", Field::tls_alpn),
};

/// Wireshark's names of the layers that decoders give, and the other names that it has for some of them.
constexpr std::string_view kProtocols[] = {
    "aarp",       "ah",         "arp",     "ayiya",    "bootp",   "capwap",   "ccp",     "cdp",     "cfp",
    "chap",       "chdlc",      "dccp",    "ddp",      "dhcp",    "dhcpv6",   "dns",     "dtp",     "eapol",
    "ecatf",      "eigrp",      "erspan",  "esp",      "etag",    "eth",      "etherip", "fcoe",    "fddi",
    "fr",         "frame",      "geneve",  "goose",    "gre",     "gtp",      "http",    "icmp",    "icmpv6",
    "ieee8021ad", "ieee8021ah", "igmp",    "ip",       "ipcp",    "ipv6",     "ipv6cp",  "ipx",     "l2tp",
    "lcp",        "llc",        "lldp",    "llmnr",    "loop",    "macc",     "macsec",  "mdns",    "mp",
    "mpls",       "nbns",       "netbios", "nflog",    "nsh",     "ntp",      "null",    "osi",     "ospf",
    "pap",        "pgm",        "pim",     "pktap",    "pn_rt",   "ppi",      "ppp",     "pppoed",  "pppoes",
    "prism",      "proxy",      "ptp",     "pwach",    "quic",    "radiotap", "raw",     "realtek", "rsvp",
    "sctp",       "slarp",      "sll",     "slow",     "snmp",    "ssh",      "stp",     "tcp",     "teredo",
    "tls",        "udld",       "udp",     "udpencap", "udplite", "vlan",     "vntag",   "vrrp",    "vtp",
    "vxlan",      "wlan",       "wlancap", "wol"};

/// How our own key of that form is compared; limits are those of the member.
FilterField own_field(const record::FieldInfo& info, Field field) {
  switch (info.form) {
    case Form::u8: return one(info.key, number, kBits8, "", field);
    case Form::u16: return one(info.key, number, kBits16, "", field);
    case Form::u32: return one(info.key, number, kBits32, "", field);
    case Form::u64: return one(info.key, number, INT64_MAX, "", field);
    case Form::boolean: return one(info.key, boolean, 0, "", field);
    case Form::ip: return one(info.key, ip, 0, "", field);
    case Form::mac: return one(info.key, mac, 0, "", field);
    default: return one(info.key, text, 0, "", field);
  }
}

const std::map<std::string_view, FilterField>& table() {
  static const std::map<std::string_view, FilterField> all = [] {
    std::map<std::string_view, FilterField> made;
    for (size_t i = 0; i < record::kFieldCount; ++i) {
      const auto field = static_cast<Field>(i);
      const record::FieldInfo& info = record::info(field);
      if (info.form != Form::base64) made.emplace(info.key, own_field(info, field));
    }
    made.emplace("ts", FilterField{.name = "ts", .type = time});
    for (const FilterField& field : kFields) made.insert_or_assign(field.name, field);
    for (const std::string_view name : kProtocols)
      made.emplace(name, FilterField{.name = name, .layer = name});
    made.at("bootp").layer = "dhcp";
    made.at("frame").layer = "";
    made.at("sll").layer = {"sll", "sll2"};
    // The UDP length field counts its header.
    made.emplace("udp.length", more(one("udp.length", number, kBits16, kUdp, Field::payload_len), 8));
    return made;
  }();
  return all;
}

const char* member(Field source, const record::Packet& packet) {
  return reinterpret_cast<const char*>(&packet) + record::info(source).offset;
}

/// As they are in the JSON.
std::string_view flag_letters(uint8_t flags) {
  static const auto kTexts = [] {
    std::array<std::string, 256> texts;
    for (size_t i = 0; i < texts.size(); ++i)
      for (size_t bit = 0; bit < kTcpFlags.size(); ++bit)
        if ((i >> bit & 1) != 0) texts.at(i) += kTcpFlags[bit];
    return texts;
  }();
  return kTexts.at(flags);
}

template <class T>
T read(Field source, const record::Packet& packet) {
  T value;
  std::memcpy(&value, member(source, packet), sizeof value);
  return value;
}

/// The key that says what Wireshark's field says, though not in the same way.
std::string_view key_like(std::string_view name) {
  if (name.empty()) return {};
  for (size_t i = 0; i < record::kFieldCount; ++i) {
    const record::FieldInfo& info = record::info(static_cast<Field>(i));
    const std::string names = " " + std::string(info.wireshark) + " ";
    if (names.find(" " + std::string(name) + " ") != std::string::npos && table().contains(info.key))
      return info.key;
  }
  return {};
}

}  // namespace

const FilterField* find_field(std::string_view name) {
  const auto found = table().find(name);
  return found == table().end() ? nullptr : &found->second;
}

std::string_view nearest_field(std::string_view name) {
  constexpr size_t kLongest = 40;
  if (const std::string_view key = key_like(name); !key.empty()) return key;
  std::string_view nearest;
  size_t least = name.size() / 3 + 1;
  if (name.size() > kLongest) return nearest;
  for (const auto& [known, field] : table()) {
    if (const size_t d = base::edit_distance(name, known); d < least) {
      least = d;
      nearest = known;
    }
  }
  return nearest;
}

record::FieldSet needs(const FilterField& field) {
  record::FieldSet fields;
  for (size_t i = 0; i < field.sources; ++i) fields.add(field.of[i]);
  if (!field.layer.empty()) fields.add(Field::layers);
  return fields;
}

bool has_layer(const record::Packet& packet, const Layers& layers) {
  if (layers.empty()) return true;
  const std::string_view met = packet.present.has(Field::layers) ? packet.layers : std::string_view{};
  for (size_t at = 0; at < met.size();) {
    const size_t end = std::min(met.find(':', at), met.size());
    if (std::ranges::find(layers.names, met.substr(at, end - at)) != layers.names.end()) return true;
    at = end + 1;
  }
  return false;
}

std::optional<Value> value_of(const FilterField& field, Field source, const record::Packet& packet) {
  if (!packet.present.has(source)) return std::nullopt;
  Value value;
  switch (record::info(source).form) {
    case Form::u8: value.number = read<uint8_t>(source, packet); break;
    case Form::u16: value.number = read<uint16_t>(source, packet); break;
    case Form::u32: value.number = read<uint32_t>(source, packet); break;
    case Form::u64: value.number = read<uint64_t>(source, packet); break;
    case Form::boolean: value.number = read<bool>(source, packet) ? 1 : 0; break;
    case Form::ip: value.ip = read<record::Ip>(source, packet); break;
    case Form::mac: value.text = {member(source, packet), 6}; break;
    case Form::tcp_flags: {
      const auto flags = read<uint8_t>(source, packet);
      if (field.type == text) value.text = flag_letters(flags);
      value.number = field.mask == 0 ? flags : (flags & field.mask) != 0 ? 1 : 0;
      break;
    }
    default: value.text = read<std::string_view>(source, packet);
  }
  if (field.type == ipv4 && value.ip.version != 4) return std::nullopt;
  if (field.type == ipv6 && value.ip.version != 6) return std::nullopt;
  if (field.type == number && record::info(source).form == Form::token) {
    const auto code = source == Field::dns_qtype ? packet::dns_type_number(value.text)
                                                 : packet::dns_rcode_number(value.text);
    if (!code) return std::nullopt;
    value.number = *code;
  }
  // A boolean of something else says that it is there.
  if (field.type == boolean && field.mask == 0 && record::info(source).form != Form::boolean)
    value.number = 1;
  value.number += field.plus;
  return value;
}

std::optional<Value> listed(const FilterField& field, std::string_view text) {
  Value value;
  value.text = text;
  if (field.type == Type::text) return value;
  const std::string address(text);
  const int family = field.type == ipv4 ? AF_INET : AF_INET6;
  if (::inet_pton(family, address.c_str(), value.ip.bytes.data()) != 1) return std::nullopt;
  value.ip.version = field.type == ipv4 ? 4 : 6;
  return value;
}

}  // namespace wl::filter
