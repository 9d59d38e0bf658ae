#include "tests/support/packet_samples.h"

namespace wl::test {
namespace {

using Samples = std::vector<Sample>;

const Bytes kText = from_hex("68656c6c6f");  // hello

void add_links(Samples& all) {
  const Bytes ip = ipv4(6, tcp(kText));
  const Bytes ip6 = ipv6(6, tcp(kText));
  all.push_back(
      {"ethernet",
       1,
       ethernet(0x0800, ip),
       "eth:ip:tcp",
       {R"("link":"ethernet")", R"("eth_src":"02:00:00:00:00:01")", R"("eth_dst":"02:00:00:00:00:02")",
        R"("eth_type":2048)", R"("src_ip":"10.0.0.1")", R"("dst_ip":"10.0.0.2")", R"("proto":"tcp")",
        R"("src_port":40000)", R"("dst_port":7777)", R"("tcp_flags":"PA")", R"("payload_len":5)",
        R"("tcp_seq":1)", R"("tcp_ack":2)", R"("tcp_window":512)", R"("ttl":64)", R"("ip_proto":6)"},
       {{14, 0x55, "ip"},
        {14, 0x44, "ip"},
        {17, 0x13, "ip"},
        {16, 0xff, "ip"},
        {46, 0x40, "tcp"},
        {46, 0xf0, "tcp"}}});
  all.push_back({"null little-endian", 0, from_hex("02000000") + ip, "null:ip:tcp", {R"("link":"null")"}});
  all.push_back({"null big-endian", 0, from_hex("00000002") + ip, "null:ip:tcp"});
  all.push_back({"null FreeBSD IPv6", 0, from_hex("1c000000") + ip6, "null:ipv6:tcp"});
  all.push_back({"null EtherType", 0, from_hex("00000800") + ip, "null:ip:tcp"});
  all.push_back({"null PPP", 0, from_hex("ff030021") + ip, "null:ppp:ip:tcp"});
  all.push_back({"null unknown", 0, from_hex("77000000") + ip, "null"});
  all.push_back(
      {"loop OpenBSD IPv6", 108, from_hex("00000018") + ip6, "null:ipv6:tcp", {R"("link":"loop")"}});
  all.push_back({"raw IPv4", 101, ip, "raw:ip:tcp", {R"("link":"raw_ip")"}});
  all.push_back({"raw IPv6", 12, ip6, "raw:ipv6:tcp", {R"("link":"raw_ip")"}});
  all.push_back({"raw PPP", 101, from_hex("ff030021") + ip, "raw:ppp:ip:tcp"});
  all.push_back({"linktype ipv4", 228, ip, "ip:tcp", {R"("link":"ipv4")"}});
  all.push_back({"linktype ipv6", 229, ip6, "ipv6:tcp", {R"("link":"ipv6")"}});
  const Bytes sll = from_hex("0000 0001 0006 0200000000010000");
  all.push_back({"sll", 113, sll + from_hex("0800") + ip, "sll:ip:tcp", {R"("eth_type":2048)"}});
  all.push_back(
      {"sll LLC", 113, sll + from_hex("0004 4242 03 0000000000"), "sll:llc:stp", {R"("proto":"stp")"}});
  all.push_back({"sll 802.3", 113, sll + from_hex("0001 ffff0022"), "sll:ipx"});
  all.push_back({"sll Linux number", 113, sll + from_hex("000c 00000000"), "sll"});
  all.push_back({"sll Ethernet", 113, sll + from_hex("0003") + ethernet(0x0800, ip), "sll:eth:ip:tcp"});
  all.push_back({"sll netlink", 113, from_hex("0004 0338 0000 0000000000000000 0000 00000000"), "sll"});
  all.push_back({"sll2",
                 276,
                 from_hex("86dd 0000 00000002 0001 00 06 0200000000010000") + ip6,
                 "sll2:ipv6:tcp",
                 {R"("link":"linux_sll2")"}});
  all.push_back(
      {"fddi", 10, from_hex("50 020000000002 020000000001 aaaa03000000 0800") + ip, "fddi:llc:ip:tcp"});
  all.push_back({"fddi token", 10, from_hex("80 020000000002 020000000001 00"), "fddi"});
  all.push_back({"frame relay", 107, from_hex("0801 03cc") + ip, "fr:ip:tcp", {R"("link":"frelay")"}});
  all.push_back({"frame relay IPv6", 107, from_hex("0801 038e") + ip6, "fr:ipv6:tcp"});
  all.push_back({"frame relay SNAP", 107, from_hex("0801 030080 000000 0800") + ip, "fr:ip:tcp"});
  all.push_back({"frame relay bridged", 107, from_hex("0801 030080 0080c2 0007") + ethernet(0x0800, ip),
                 "fr:eth:ip:tcp"});
  all.push_back({"frame relay bridged with FCS", 107,
                 from_hex("0801 030080 0080c2 0001") + ethernet(0x0800, ip) + from_hex("00000000"),
                 "fr:eth:ip:tcp"});
  all.push_back({"frame relay PPP", 107, from_hex("0801 03cf 0021") + ip, "fr:ppp:ip:tcp"});
  all.push_back({"frame relay Cisco", 206, from_hex("00 08010800") + ip, "fr:ip:tcp"});
  all.push_back({"frame relay other", 107, from_hex("0801 030080 00000c 2000"), "fr"});
  all.push_back({"frame relay Q.933", 107, from_hex("0801 0308 00"), "fr"});
  all.push_back({"nflog",
                 239,
                 from_hex("02000000 0800 0100 00000000 0500 0a00 61000000 3100 0900") + ip,
                 "nflog:ip:tcp",
                 {R"("link":"nflog")"},
                 {{4, 3, "nflog"}}});
  all.push_back({"nflog big-endian IPv6", 239, from_hex("0a000000 0008 0001 00000000 0045 0009") + ip6,
                 "nflog:ipv6:tcp"});
  all.push_back({"pktap",
                 258,
                 from_hex("10000000 01000000 01000000 00000000") + ethernet(0x0800, ip),
                 "pktap:eth:ip:tcp",
                 {},
                 {{0, 4, "pktap"}}});
}

void add_serial(Samples& all) {
  const Bytes ip = ipv4(6, tcp(kText));
  all.push_back({"ppp", 9, from_hex("ff030021") + ip, "ppp:ip:tcp", {R"("link":"ppp")"}});
  all.push_back({"ppp without framing", 50, from_hex("0057") + ipv6(6, tcp(kText)), "ppp:ipv6:tcp"});
  all.push_back({"ppp compressed", 9, from_hex("21") + ip, "ppp:ip:tcp"});
  all.push_back(
      {"ppp MPLS", 9, from_hex("ff030281 00010140") + ip, "ppp:mpls:ip:tcp", {R"("mpls_label":16)"}});
  all.push_back({"ppp lcp", 9, from_hex("ff03c021 01010004"), "ppp:lcp", {R"("proto":"lcp")"}});
  for (const std::string_view number : {"8021", "8057", "80fd", "c023", "c223", "003d", "002b", "9999"}) {
    const std::string_view layers = number == "8021"   ? "ppp:ipcp"
                                    : number == "8057" ? "ppp:ipv6cp"
                                    : number == "80fd" ? "ppp:ccp"
                                    : number == "c023" ? "ppp:pap"
                                    : number == "c223" ? "ppp:chap"
                                    : number == "003d" ? "ppp:mp"
                                    : number == "002b" ? "ppp:ipx"
                                                       : "ppp";
    all.push_back({number, 9, from_hex("ff03") + from_hex(number) + from_hex("01010004"), layers});
  }
  all.push_back(
      {"ppp with direction", 204, from_hex("01 ff030021") + ip, "ppp:ip:tcp", {R"("link":"ppp_with_dir")"}});
  all.push_back({"pppd", 166, from_hex("00030021") + ip, "ppp:ip:tcp"});
  all.push_back({"Cisco HDLC", 104, from_hex("0f000800") + ip, "chdlc:ip:tcp", {R"("link":"c_hdlc")"}});
  all.push_back({"Cisco HDLC with direction", 205, from_hex("00 0f000800") + ip, "chdlc:ip:tcp"});
  all.push_back(
      {"Cisco HDLC as PPP", 9, from_hex("8f008035 00000000"), "ppp:chdlc:slarp", {R"("proto":"slarp")"}});
  all.push_back({"Cisco HDLC CDP", 104, from_hex("8f002000 02b4"), "chdlc:cdp"});
  all.push_back({"Cisco HDLC OSI", 104, from_hex("8f00fefe 0383"), "chdlc:osi"});
  all.push_back({"pppoe session",
                 1,
                 ethernet(0x8864, from_hex("1100 0007 002f 0021") + ip),
                 "eth:pppoes:ppp:ip:tcp",
                 {R"("pppoe_session":7)"},
                 {{18, 0xff, "pppoes"}}});
  all.push_back({"pppoe discovery",
                 1,
                 ethernet(0x8863, from_hex("1109 0000 0004 01010000")),
                 "eth:pppoed",
                 {R"("proto":"pppoed")", R"("pppoe_session":0)"}});
  all.push_back({"pppoe without Ethernet",
                 51,
                 from_hex("1100 0009 002f 0021") + ip,
                 "pppoe:ppp:ip:tcp",
                 {R"("link":"ppp_ether")"}});
  all.push_back({"pppoe discovery without Ethernet", 51, from_hex("1109 0000 0004 01010000"), "pppoe"});
}

void add_wireless(Samples& all) {
  const Bytes data = from_hex("aaaa03000000 0800") + ipv4(6, tcp(kText));
  const Bytes addresses = from_hex("0000 020000000001 020000000002 020000000003 1000");
  const Bytes frame = from_hex("0801") + addresses + data;
  all.push_back({"802.11 data", 105, frame, "wlan:llc:ip:tcp", {R"("link":"ieee802_11")"}});
  all.push_back(
      {"802.11 QoS", 105, from_hex("8802") + addresses + from_hex("0000") + data, "wlan:llc:ip:tcp"});
  all.push_back({"802.11 QoS HT", 105, from_hex("8882") + addresses + from_hex("0000 00000000") + data,
                 "wlan:llc:ip:tcp"});
  all.push_back({"802.11 WDS QoS", 105, from_hex("8803") + addresses + from_hex("020000000004 0000") + data,
                 "wlan:llc:ip:tcp"});
  all.push_back({"802.11 A-MSDU",
                 105,
                 from_hex("8802") + addresses + from_hex("8000 020000000002 020000000001 0035") + data,
                 "wlan:llc:ip:tcp",
                 {},
                 {{38, 0xff, "wlan"}}});
  all.push_back(
      {"802.11 encrypted", 105, from_hex("0841") + addresses + from_hex("00000000 0102030405"), "wlan"});
  all.push_back({"802.11 null", 105, from_hex("4801") + addresses, "wlan"});
  all.push_back({"802.11 fragment", 105, from_hex("0805") + addresses + data, "wlan"});
  all.push_back({"802.11 beacon", 105, from_hex("8000") + addresses + from_hex("0000000000000000"), "wlan"});
  all.push_back({"radiotap",
                 127,
                 from_hex("0000 0800 00000000") + frame,
                 "radiotap:wlan:llc:ip:tcp",
                 {R"("link":"ieee802_11_radiotap")"},
                 {{2, 7, "radiotap"}}});
  all.push_back(
      {"radiotap with FCS", 127,
       from_hex("0000 1900 030000a0 00000020 00000000 0000000000000000 10") + frame + from_hex("00000000"),
       "radiotap:wlan:llc:ip:tcp"});
  all.push_back({"prism",
                 119,
                 from_hex("44000000 10000000 0000000000000000") + frame,
                 "prism:wlan:llc:ip:tcp",
                 {},
                 {{4, 7, "prism"}}});
  all.push_back({"prism big-endian", 119, from_hex("00000044 00000010 0000000000000000") + frame,
                 "prism:wlan:llc:ip:tcp"});
  all.push_back({"prism AVS", 119, from_hex("80211001 0000000c 00000000") + frame, "prism:wlan:llc:ip:tcp"});
  all.push_back({"AVS",
                 163,
                 from_hex("80211001 0000000c 00000000") + frame,
                 "wlancap:wlan:llc:ip:tcp",
                 {},
                 {{7, 7, "wlancap"}}});
  all.push_back({"ppi 802.11 with FCS",
                 192,
                 from_hex("0000 2000 69000000 0200 1400 0000000000000000 0100 0000000000000000 0000") +
                     frame + from_hex("00000000"),
                 "ppi:wlan:llc:ip:tcp",
                 {},
                 {{2, 7, "ppi"}}});
  all.push_back({"ppi Ethernet", 192, from_hex("0000 0800 01000000") + ethernet(0x0800, ipv4(6, tcp(kText))),
                 "ppi:eth:ip:tcp"});
  all.push_back({"ppi unknown", 192, from_hex("0000 0800 00000100 00"), "ppi"});
}

void add_tags(Samples& all) {
  const Bytes ip = ipv4(6, tcp(kText));
  all.push_back(
      {"vlan", 1, ethernet(0x8100, from_hex("e005 0800") + ip), "eth:vlan:ip:tcp", {R"("vlan":5)"}});
  all.push_back({"QinQ",
                 1,
                 ethernet(0x88a8, from_hex("0064 8100 00c8 0800") + ip),
                 "eth:ieee8021ad:vlan:ip:tcp",
                 {R"("vlan":100)", R"("vlan_inner":200)", R"("eth_type":2048)"}});
  all.push_back({"three tags",
                 1,
                 ethernet(0x9100, from_hex("0001 8100 0002 8100 0003 0800") + ip),
                 "eth:vlan:vlan:vlan:ip:tcp",
                 {R"("vlan":1)", R"("vlan_inner":2)"}});
  all.push_back(
      {"vlan with LLC", 1, ethernet(0x8100, from_hex("0005 0008 424203 0000000000")), "eth:vlan:llc:stp"});
  all.push_back({"802.1ah",
                 1,
                 ethernet(0x88e7, from_hex("00000123 020000000012 020000000011 0800") + ip),
                 "eth:ieee8021ah:ip:tcp",
                 {R"("eth_src":"02:00:00:00:00:01")"}});
  all.push_back({"VN-tag", 1, ethernet(0x8926, from_hex("80010000 0800") + ip), "eth:vntag:ip:tcp"});
  all.push_back({"E-tag", 1, ethernet(0x893f, from_hex("000100020003 0800") + ip), "eth:etag:ip:tcp"});
  all.push_back({"FabricPath",
                 1,
                 ethernet(0x8903, from_hex("0420 0200000000aa 0200000000bb 0800") + ip),
                 "eth:cfp:eth:ip:tcp",
                 {R"("eth_src":"02:00:00:00:00:bb")"}});
  all.push_back({"802.3 SNAP",
                 1,
                 ethernet(0x0035, from_hex("aaaa03000000 0800") + ip),
                 "eth:llc:ip:tcp",
                 {},
                 {{12, 1, "eth"}}});
  all.push_back({"802.3 CDP",
                 1,
                 ethernet(0x000a, from_hex("aaaa0300000c 2000 02b4")),
                 "eth:llc:cdp",
                 {R"("proto":"cdp")"}});
  for (const std::string_view snap : {"00000c010b", "00000c0111", "00000c2003", "00000c2004", "00000c9999",
                                      "0080c2000e", "0080c20009", "00e02b00bb"}) {
    const std::string_view layers = snap == "00000c010b" || snap == "0080c2000e" ? "eth:llc:stp"
                                    : snap == "00000c0111"                       ? "eth:llc:udld"
                                    : snap == "00000c2003"                       ? "eth:llc:vtp"
                                    : snap == "00000c2004"                       ? "eth:llc:dtp"
                                                                                 : "eth:llc";
    all.push_back(
        {snap, 1, ethernet(0x000a, from_hex("aaaa03") + from_hex(snap) + from_hex("0102")), layers});
  }
  for (const std::string_view saps : {"e0e003", "f0f003", "fefe03", "424203", "f8f80300", "f0f00101"}) {
    const std::string_view layers = saps == "e0e003"           ? "eth:llc:ipx"
                                    : saps.starts_with("f0f0") ? "eth:llc:netbios"
                                    : saps == "fefe03"         ? "eth:llc:osi"
                                    : saps == "424203"         ? "eth:llc:stp"
                                                               : "eth:llc";
    all.push_back({saps, 1, ethernet(0x0006, from_hex(saps) + from_hex("010203")), layers});
  }
  all.push_back({"LLC IP", 1, ethernet(0x0030, from_hex("060603") + ip), "eth:llc:ip:tcp"});
  all.push_back(
      {"LLC ARP", 1,
       ethernet(0x001f, from_hex("989803 0001080006040001 020000000001 0a000001 000000000000 0a000002")),
       "eth:llc:arp"});
  all.push_back({"SNAP bridged", 1, ethernet(0x0043, from_hex("aaaa030080c2 0007") + ethernet(0x0800, ip)),
                 "eth:llc:eth:ip:tcp"});
  all.push_back(
      {"SNAP bridged with FCS", 1,
       ethernet(0x0047, from_hex("aaaa030080c2 0001") + ethernet(0x0800, ip) + from_hex("00000000")),
       "eth:llc:eth:ip:tcp"});
  all.push_back({"IPX without LLC", 1, ethernet(0x0004, from_hex("ffff0004")), "eth:ipx"});
  all.push_back({"unknown EtherType", 1, ethernet(0x7777, from_hex("0102")), "eth", {R"("eth_type":30583)"}});
  all.push_back({"lldp", 1, ethernet(0x88cc, from_hex("0000")), "eth:lldp", {R"("proto":"lldp")"}});
  all.push_back({"arp",
                 1,
                 ethernet(0x0806, from_hex("0001080006040001 020000000001 0a000001 000000000000 0a000002")),
                 "eth:arp",
                 {R"("proto":"arp")", R"("arp_op":1)"},
                 {{18, 0xff, "arp"}}});
  all.push_back({"mpls",
                 1,
                 ethernet(0x8847, from_hex("00010040 00011140") + ip),
                 "eth:mpls:ip:tcp",
                 {R"("mpls_label":16)"}});
  all.push_back(
      {"mpls IPv6", 1, ethernet(0x8848, from_hex("00010140") + ipv6(6, tcp(kText))), "eth:mpls:ipv6:tcp"});
  all.push_back({"mpls channel", 1, ethernet(0x8847, from_hex("0000d140 10000021 0000")), "eth:mpls:pwach"});
  all.push_back({"mpls pseudowire", 1, ethernet(0x8847, from_hex("00010140 00000000") + ethernet(0x0800, ip)),
                 "eth:mpls:pw:eth:ip:tcp"});
  all.push_back({"mpls pseudowire without control word", 1,
                 ethernet(0x8847, from_hex("00010140") + ethernet(0x0800, ip)), "eth:mpls:pw:eth:ip:tcp"});
  all.push_back({"mpls unknown", 1,
                 ethernet(0x8847, from_hex("00010140 f1f2f3f4 00000000 00000000 0000 7777")), "eth:mpls:pw"});
  all.push_back({"nsh",
                 1,
                 ethernet(0x894f, from_hex("0fc6 0101 000001ff 00000000000000000000000000000000") + ip),
                 "eth:nsh:ip:tcp",
                 {},
                 {{15, 0xc1, "nsh"}}});
  for (const std::string_view next : {"02", "03", "04", "05", "09"}) {
    const Bytes head = from_hex("0f42 01") + from_hex(next) + from_hex("000001ff");
    const Bytes body = next == "02"   ? ipv6(6, tcp(kText))
                       : next == "03" ? ethernet(0x0800, ip)
                       : next == "04" ? from_hex("0f42 0101 000001ff") + ip
                       : next == "05" ? from_hex("00010140") + ip
                                      : from_hex("00");
    const std::string_view layers = next == "02"   ? "eth:nsh:ipv6:tcp"
                                    : next == "03" ? "eth:nsh:eth:ip:tcp"
                                    : next == "04" ? "eth:nsh:nsh:ip:tcp"
                                    : next == "05" ? "eth:nsh:mpls:ip:tcp"
                                                   : "eth:nsh";
    all.push_back({next, 1, ethernet(0x894f, head + body), layers});
  }
}

}  // namespace

std::vector<Sample> link_samples() {
  Samples all;
  add_links(all);
  add_serial(all);
  add_wireless(all);
  add_tags(all);
  return all;
}

}  // namespace wl::test
