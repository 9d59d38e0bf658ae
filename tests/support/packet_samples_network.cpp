#include "tests/support/packet_samples.h"

namespace wl::test {
namespace {

using Samples = std::vector<Sample>;

const Bytes kText = from_hex("68656c6c6f");  // hello
/// The flow inside tunnels: 192.168.7.1:1000 to 192.168.7.2:2000.
const Bytes kInner = from_hex("4500 0021 0001 0000 4011 0000 c0a80701 c0a80702  03e8 07d0 000d 0000") + kText;
const std::vector<std::string_view> kInnerMembers{R"("inner_src_ip":"192.168.7.1")",
                                                  R"("inner_dst_ip":"192.168.7.2")", R"("inner_proto":"udp")",
                                                  R"("inner_src_port":1000)", R"("inner_dst_port":2000)"};

std::vector<std::string_view> tunnel(std::string_view kind) {
  std::vector<std::string_view> members = kInnerMembers;
  members.push_back(kind);
  return members;
}

void add_network(Samples& all) {
  const Bytes ports = udp(1000, 2000, kText);
  all.push_back({"udp",
                 228,
                 ipv4(17, ports),
                 "ip:udp",
                 {R"("proto":"udp")", R"("src_port":1000)", R"("dst_port":2000)", R"("payload_len":5)"},
                 {{25, 7, "udp"}, {24, 0xff, "udp"}}});
  all.push_back({"udplite",
                 228,
                 ipv4(136, from_hex("03e8 07d0 0008 0000") + kText),
                 "ip:udplite",
                 {R"("proto":"udplite")", R"("src_port":1000)"}});
  all.push_back({"sctp",
                 228,
                 ipv4(132, from_hex("03e8 07d0 00000001 00000000") + from_hex("0b000004")),
                 "ip:sctp",
                 {R"("proto":"sctp")", R"("dst_port":2000)", R"("payload_len":4)"}});
  all.push_back({"linktype sctp", 248, from_hex("03e8 07d0 00000001 00000000 0b000004"), "sctp"});
  all.push_back({"dccp",
                 228,
                 ipv4(33, from_hex("03e8 07d0 04 00 0000 01000000 00000000") + kText),
                 "ip:dccp",
                 {R"("proto":"dccp")", R"("src_port":1000)", R"("payload_len":5)"},
                 {{24, 2, "dccp"}, {24, 99, "dccp"}}});
  all.push_back({"icmp",
                 228,
                 ipv4(1, from_hex("0800 0000 00010001")),
                 "ip:icmp",
                 {R"("proto":"icmp")", R"("icmp_type":8)", R"("icmp_code":0)"}});
  all.push_back(
      {"icmp error", 228, ipv4(1, from_hex("0303 0000 00000000") + kInner), "ip:icmp", {R"("icmp_code":3)"}});
  all.push_back(
      {"icmpv6",
       229,
       ipv6(58, from_hex("8000 0000 00010001")),
       "ipv6:icmpv6",
       {R"("proto":"icmpv6")", R"("icmp_type":128)", R"("ip_version":6)", R"("src_ip":"2001:db8::1")"}});
  for (const int number : {2, 46, 50, 88, 89, 103, 112, 113, 115, 99}) {
    const std::string_view layers = number == 2     ? "ip:igmp"
                                    : number == 46  ? "ip:rsvp"
                                    : number == 50  ? "ip:esp"
                                    : number == 88  ? "ip:eigrp"
                                    : number == 89  ? "ip:ospf"
                                    : number == 103 ? "ip:pim"
                                    : number == 112 ? "ip:vrrp"
                                    : number == 113 ? "ip:pgm"
                                    : number == 115 ? "ip:l2tp"
                                                    : "ip";
    all.push_back(
        {"ip protocol", 228, ipv4(static_cast<uint8_t>(number), from_hex("0102030405060708")), layers});
  }
  all.push_back({"ip options", 228,
                 from_hex("4600 0025 0001 4000 4011 0000 0a000001 0a000002 01010100") + ports, "ip:udp"});
  all.push_back({"ip total length 0", 228,
                 from_hex("4500 0000 0001 4000 4011 0000 0a000001 0a000002") + ports, "ip:udp"});
  all.push_back({"ip first fragment",
                 228,
                 from_hex("4500 0021 0001 2000 4011 0000 0a000001 0a000002") + ports,
                 "ip:udp",
                 {R"("frag_offset":0)"}});
  all.push_back({"ip later fragment",
                 228,
                 from_hex("4500 0021 0001 0002 4011 0000 0a000001 0a000002") + ports,
                 "ip",
                 {R"("frag_offset":16)", R"("proto":"udp")"}});
  const Bytes extensions =
      from_hex("3c00 0000 00000000  2b00 0000 00000000  2c00 0000 00000000  1100 0001 000000ff");
  all.push_back({"ipv6 extension headers",
                 229,
                 ipv6(0, extensions + ports),
                 "ipv6:udp",
                 {R"("proto":"udp")", R"("ip_proto":17)", R"("frag_offset":0)", R"("ip_id":255)"},
                 {{41, 0xff, "ipv6"}}});
  all.push_back({"ipv6 later fragment",
                 229,
                 ipv6(44, from_hex("1100 0010 000000ff") + ports),
                 "ipv6",
                 {R"("frag_offset":16)", R"("proto":"udp")"}});
  all.push_back({"ipv6 no next header", 229, ipv6(59, {}), "ipv6", {R"("ip_proto":59)"}});
  all.push_back(
      {"ipv6 jumbogram", 229,
       from_hex("60000000 0000 00 40 20010db8000000000000000000000001 20010db8000000000000000000000002"
                "1100 c204 00000015") +
           ports,
       "ipv6:udp"});
  all.push_back({"ah",
                 229,
                 ipv6(51, from_hex("1104 0000 00000001 00000001 000000000000000000000000") + ports),
                 "ipv6:ah:udp",
                 {R"("proto":"ah")", R"("src_port":1000)"},
                 {{41, 0, "ah"}}});
  all.push_back({"esp in UDP",
                 228,
                 ipv4(17, udp(4500, 4500, from_hex("00000001 00000001 0102"))),
                 "ip:udp:udpencap:esp",
                 {R"("proto":"udp")"}});
  all.push_back({"IKE in UDP", 228, ipv4(17, udp(4500, 4500, from_hex("00000000 0000000000000000"))),
                 "ip:udp:udpencap"});
  all.push_back({"NAT keepalive", 228, ipv4(17, udp(4500, 4500, from_hex("ff"))), "ip:udp:udpencap"});
}

void add_ip_tunnels(Samples& all) {
  all.push_back({"ipip", 228, ipv4(4, kInner), "ip:ip:udp", tunnel(R"("tunnel":"ipip")")});
  all.push_back({"6in4",
                 228,
                 ipv4(41, ipv6(17, udp(1000, 2000, kText))),
                 "ip:ipv6:udp",
                 {R"("tunnel":"6in4")", R"("inner_src_ip":"2001:db8::1")", R"("src_ip":"10.0.0.1")",
                  R"("proto":"ipv6")"}});
  all.push_back({"4in6", 229, ipv6(4, kInner), "ipv6:ip:udp", tunnel(R"("tunnel":"4in6")")});
  all.push_back(
      {"6in6", 229, ipv6(41, ipv6(17, udp(1000, 2000, kText))), "ipv6:ipv6:udp", {R"("tunnel":"6in6")"}});
  all.push_back({"MPLS in IP", 228, ipv4(137, from_hex("00010140") + kInner), "ip:mpls:ip:udp",
                 tunnel(R"("tunnel":"mpls")")});
  all.push_back({"EtherIP", 228, ipv4(97, from_hex("3000") + ethernet(0x0800, kInner)),
                 "ip:etherip:eth:ip:udp", tunnel(R"("tunnel":"etherip")")});
  all.push_back({"gre",
                 228,
                 ipv4(47, from_hex("0000 0800") + kInner),
                 "ip:gre:ip:udp",
                 tunnel(R"("tunnel":"gre")"),
                 {{21, 3, "gre"}}});
  all.push_back(
      {"gre all flags",
       228,
       ipv4(47, from_hex("f000 0800 00000000 00000001 00000002 0800 0004 0a000001 0000 0000") + kInner),
       "ip:gre:ip:udp",
       tunnel(R"("tunnel":"gre")"),
       {{39, 0xff, "gre"}}});
  all.push_back({"gre Ethernet", 228, ipv4(47, from_hex("2000 6558 00000001") + ethernet(0x0800, kInner)),
                 "ip:gre:eth:ip:udp", tunnel(R"("tunnel":"gre")")});
  all.push_back({"gre WCCP", 228, ipv4(47, from_hex("0000 883e 00000000") + kInner), "ip:gre:ip:udp"});
  all.push_back({"gre PPTP",
                 228,
                 ipv4(47, from_hex("3081 880b 0025 0001 00000001 00000002 ff030021") + kInner),
                 "ip:gre:ppp:ip:udp",
                 tunnel(R"("tunnel":"gre")"),
                 {{24, 0xff, "gre"}}});
  all.push_back(
      {"gre PPTP acknowledgement", 228, ipv4(47, from_hex("2081 880b 0000 0001 00000002")), "ip:gre"});
  all.push_back({"erspan I", 228, ipv4(47, from_hex("0000 88be") + ethernet(0x0800, kInner)),
                 "ip:gre:eth:ip:udp", tunnel(R"("tunnel":"gre")")});
  all.push_back({"erspan II", 228,
                 ipv4(47, from_hex("1000 88be 00000001 1001 0001 00000000") + ethernet(0x0800, kInner)),
                 "ip:gre:erspan:eth:ip:udp", tunnel(R"("tunnel":"erspan")")});
  all.push_back({"erspan III", 228,
                 ipv4(47, from_hex("1000 22eb 00000001 2001 0001 00000000 0000 0001 0000000000000000") +
                              ethernet(0x0800, kInner)),
                 "ip:gre:erspan:eth:ip:udp", tunnel(R"("tunnel":"erspan")")});
  all.push_back({"erspan III IP", 228,
                 ipv4(47, from_hex("1000 22eb 00000001 2001 0001 00000000 0000 0800") + kInner),
                 "ip:gre:erspan:ip:udp"});
  all.push_back({"erspan III other", 228,
                 ipv4(47, from_hex("1000 22eb 00000001 2001 0001 00000000 0000 0400 00")), "ip:gre:erspan"});
}

void add_udp_tunnels(Samples& all) {
  const auto over_udp = [](uint16_t port, const Bytes& payload) {
    return ipv4(17, udp(50000, port, payload));
  };
  const Bytes frame = ethernet(0x0800, kInner);
  all.push_back({"vxlan", 228, over_udp(4789, from_hex("08000000 00000100") + frame),
                 "ip:udp:vxlan:eth:ip:udp", tunnel(R"("tunnel":"vxlan")")});
  all.push_back({"vxlan Linux port", 228, over_udp(8472, from_hex("08000000 00000100") + frame),
                 "ip:udp:vxlan:eth:ip:udp"});
  all.push_back({"vxlan-gpe without next protocol", 228,
                 over_udp(4790, from_hex("08000000 00000100") + frame), "ip:udp:vxlan:eth:ip:udp"});
  for (const std::string_view next : {"01", "02", "03", "04", "05", "09"}) {
    const Bytes body = next == "01"   ? kInner
                       : next == "02" ? ipv6(17, udp(1, 2, kText))
                       : next == "03" ? frame
                       : next == "04" ? from_hex("0f42 0101 000001ff") + kInner
                       : next == "05" ? from_hex("00010140") + kInner
                                      : from_hex("00");
    const std::string_view layers = next == "01"   ? "ip:udp:vxlan:ip:udp"
                                    : next == "02" ? "ip:udp:vxlan:ipv6:udp"
                                    : next == "03" ? "ip:udp:vxlan:eth:ip:udp"
                                    : next == "04" ? "ip:udp:vxlan:nsh:ip:udp"
                                    : next == "05" ? "ip:udp:vxlan:mpls:ip:udp"
                                                   : "ip:udp:vxlan";
    all.push_back({"vxlan-gpe", 228,
                   over_udp(4790, from_hex("0c0000") + from_hex(next) + from_hex("00000100") + body),
                   layers});
  }
  all.push_back({"geneve",
                 228,
                 over_udp(6081, from_hex("0200 6558 00000100 0102030405060708") + frame),
                 "ip:udp:geneve:eth:ip:udp",
                 tunnel(R"("tunnel":"geneve")"),
                 {{28, 0x3f, "geneve"}}});
  all.push_back(
      {"geneve IP", 228, over_udp(6081, from_hex("0000 0800 00000100") + kInner), "ip:udp:geneve:ip:udp"});
  all.push_back({"gtp",
                 228,
                 over_udp(2152, from_hex("30ff 0021 00000001") + kInner),
                 "ip:udp:gtp:ip:udp",
                 tunnel(R"("tunnel":"gtp")"),
                 {{30, 0xff, "gtp"}}});
  all.push_back({"gtp extension headers",
                 228,
                 over_udp(2152, from_hex("34ff 002d 00000001 00000085 01100085 01000000") + kInner),
                 "ip:udp:gtp:ip:udp",
                 {},
                 {{40, 0, "gtp"}, {40, 99, "gtp"}}});
  all.push_back({"gtp echo", 228, over_udp(2152, from_hex("3201 0004 00000000 00010000")), "ip:udp:gtp"});
  all.push_back({"gtp control", 228, over_udp(2123, from_hex("4801 0004 00000000 00010000")), "ip:udp:gtp"});
  all.push_back({"l2tp", 228, over_udp(1701, from_hex("0002 0001 0002 ff030021") + kInner),
                 "ip:udp:l2tp:ppp:ip:udp", tunnel(R"("tunnel":"l2tp")")});
  all.push_back({"l2tp all flags",
                 228,
                 over_udp(1701, from_hex("4a02 0035 0001 0002 0000 0001 0002 0000 ff030021") + kInner),
                 "ip:udp:l2tp:ppp:ip:udp",
                 {},
                 {{31, 3, "l2tp"}, {30, 0xff, "l2tp"}, {40, 0xff, "l2tp"}}});
  all.push_back(
      {"l2tp control", 228, over_udp(1701, from_hex("c802 000c 0001 0000 0000 0001")), "ip:udp:l2tp"});
  all.push_back({"teredo",
                 228,
                 over_udp(3544, ipv6(17, udp(1000, 2000, kText))),
                 "ip:udp:teredo:ipv6:udp",
                 {R"("tunnel":"teredo")", R"("inner_src_port":1000)"}});
  all.push_back(
      {"teredo authentication and origin",
       228,
       over_udp(3544, from_hex("0001 0102 aa bbbb 0000000000000001 00  0000 ffff f5fffffe") + ipv6(59, {})),
       "ip:udp:teredo:ipv6",
       {R"("tunnel":"teredo")"},
       {{31, 0xff, "teredo"}, {52, 0x40, "teredo"}}});
  all.push_back({"ayiya",
                 228,
                 over_udp(5072, from_hex("4152 2129 00000000 20010db8000000000000000000000001"
                                         "0000000000000000000000000000000000000000") +
                                    ipv6(59, {})),
                 "ip:udp:ayiya:ipv6",
                 {R"("tunnel":"ayiya")"}});
  all.push_back({"ayiya echo", 228,
                 over_udp(5072, from_hex("4002 2029 00000000 20010db8000000000000000000000001")),
                 "ip:udp:ayiya"});
  const Bytes wlan =
      from_hex("0801 0000 020000000001 020000000002 020000000003 1000 aaaa03000000 0800") + kInner;
  all.push_back({"capwap",
                 228,
                 over_udp(5247, from_hex("00 10 03 00 00000000") + wlan),
                 "ip:udp:capwap:wlan:llc:ip:udp",
                 tunnel(R"("tunnel":"capwap")"),
                 {{29, 0, "capwap"}}});
  all.push_back({"capwap with swapped frame control", 228,
                 over_udp(5247, from_hex("00 10 03 00 00000000 0108") + Bytes(wlan.begin() + 2, wlan.end())),
                 "ip:udp:capwap:wlan:llc:ip:udp"});
  all.push_back({"capwap 802.3", 228, over_udp(5247, from_hex("00 10 02 00 00000000") + frame),
                 "ip:udp:capwap:eth:ip:udp"});
  all.push_back({"capwap DTLS", 228, over_udp(5247, from_hex("01 00 00 00 17fefd00")), "ip:udp:capwap"});
  all.push_back({"MPLS in UDP", 228, over_udp(6635, from_hex("00010140") + kInner), "ip:udp:mpls:ip:udp"});
  all.push_back({"tunnel in tunnel", 228,
                 ipv4(47, from_hex("0000 0800") + over_udp(4789, from_hex("08000000 00000100") + frame)),
                 "ip:gre:ip:udp:vxlan:eth:ip:udp", tunnel(R"("tunnel":"gre")")});
}

}  // namespace

std::vector<Sample> network_samples() {
  Samples all;
  add_network(all);
  add_ip_tunnels(all);
  add_udp_tunnels(all);
  return all;
}

}  // namespace wl::test
