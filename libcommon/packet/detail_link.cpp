// Links and what lies between them and the network layer.
#include "libcommon/packet/detail_fields.h"
#include "libcommon/packet/frame_relay.h"

namespace wl::packet {
namespace {

using enum Format;

/// What ends an Ethernet header or a tag: a type, or up to 1500 a length (IEEE 802.3-2018, 3.2.6).
void add_type(Fields& fields, size_t at, const Row& type, const Row& length) {
  const auto number = fields.number(at, 2);
  if (number) fields.row(*number > 1500 ? type : length, at);
}

constexpr Row kEthernetRows[] = {
    {"eth.dst", "Destination", 0, 6, mac},
    {"eth.src", "Source", 6, 6, mac},
};

void ethernet_type(Fields& fields) {
  static const Row kType{"eth.type", "Type", 0, 2, hex, 0, ethertype_meanings()};
  static constexpr Row kLength{"eth.len", "Length", 0, 2};
  add_type(fields, 12, kType, kLength);
  fields.set_length(14);
}

constexpr Row kVlanRows[] = {
    {"vlan.priority", "Priority", 0, 2, decimal, 0xe000},
    {"vlan.dei", "Drop eligible", 0, 2, decimal, 0x1000},
    {"vlan.id", "VLAN identifier", 0, 2, decimal, 0x0fff},
};

void vlan_type(Fields& fields) {
  static const Row kType{"vlan.etype", "Type", 0, 2, hex, 0, ethertype_meanings()};
  static constexpr Row kLength{"vlan.len", "Length", 0, 2};
  add_type(fields, 2, kType, kLength);
  fields.set_length(4);
}

constexpr Row kProviderRows[] = {
    {"ieee8021ad.priority", "Priority", 0, 1, decimal, 0xe0},
    {"ieee8021ad.dei", "Drop eligible", 0, 1, decimal, 0x10},
    {"ieee8021ad.id", "VLAN identifier", 0, 2, decimal, 0x0fff},
};

void provider_type(Fields& fields) {
  static const Row kType{"ieee8021ah.etype", "Type", 2, 2, hex, 0, ethertype_meanings()};
  fields.row(kType, 0);
  fields.set_length(4);
}

constexpr Row kBackboneRows[] = {
    {"ieee8021ah.priority", "Priority", 0, 1, decimal, 0xe0},
    {"ieee8021ah.drop", "Drop eligible", 0, 1, decimal, 0x10},
    {"ieee8021ah.nca", "No customer addresses", 0, 1, decimal, 0x08},
    {"ieee8021ah.isid", "Service identifier", 1, 3},
    {"ieee8021ah.cdst", "Customer destination", 4, 6, mac},
    {"ieee8021ah.csrc", "Customer source", 10, 6, mac},
};

void backbone_type(Fields& fields) {
  static const Row kType{"ieee8021ah.etype", "Type", 16, 2, hex, 0, ethertype_meanings()};
  fields.row(kType, 0);
  fields.set_length(18);
}

constexpr Meaning kHardware[] = {{1, "Ethernet"},      {6, "IEEE 802"},    {15, "Frame Relay"},
                                 {24, "IEEE 1394"},    {32, "InfiniBand"}, {512, "PPP"},
                                 {772, "loopback"},    {776, "SIT"},       {778, "GRE"},
                                 {801, "IEEE 802.11"}, {803, "radiotap"},  {65534, "none"}};
constexpr Meaning kArpOperations[] = {{1, "request"},       {2, "reply"},           {3, "reverse request"},
                                      {4, "reverse reply"}, {8, "inverse request"}, {9, "inverse reply"}};

void arp_fields(Fields& fields) {
  static const Row kFixed[] = {
      {"arp.hw.type", "Hardware type", 0, 2, decimal, 0, kHardware},
      {"arp.proto.type", "Protocol type", 2, 2, hex, 0, ethertype_meanings()},
      {"arp.hw.size", "Hardware address size", 4, 1},
      {"arp.proto.size", "Protocol address size", 5, 1},
      {"arp.opcode", "Operation", 6, 2, decimal, 0, kArpOperations},
  };
  static constexpr Row kEthernetIpv4[] = {
      {"arp.src.hw_mac", "Sender hardware address", 8, 6, mac},
      {"arp.src.proto_ipv4", "Sender protocol address", 14, 4, ipv4},
      {"arp.dst.hw_mac", "Target hardware address", 18, 6, mac},
      {"arp.dst.proto_ipv4", "Target protocol address", 24, 4, ipv4},
  };
  fields.rows(kFixed);
  const size_t hardware = fields.number_or_0(4, 1);
  const size_t protocol = fields.number_or_0(5, 1);
  fields.set_length(8 + 2 * (hardware + protocol));
  const size_t kind = fields.number_or_0(0, 2);
  if ((kind == 1 || kind == 6) && fields.number_or_0(2, 2) == 0x0800 && hardware == 6 && protocol == 4) {
    return fields.rows(kEthernetIpv4);
  }
  static constexpr Row kSourceHardware{"arp.src.hw", "Sender hardware address", 0, 0, bytes};
  static constexpr Row kSourceProtocol{"arp.src.proto", "Sender protocol address", 0, 0, bytes};
  static constexpr Row kTargetHardware{"arp.dst.hw", "Target hardware address", 0, 0, bytes};
  static constexpr Row kTargetProtocol{"arp.dst.proto", "Target protocol address", 0, 0, bytes};
  fields.row(kSourceHardware, 8, hardware);
  fields.row(kSourceProtocol, 8 + hardware, protocol);
  fields.row(kTargetHardware, 8 + hardware + protocol, hardware);
  fields.row(kTargetProtocol, 8 + 2 * hardware + protocol, protocol);
}

constexpr Meaning kSaps[] = {{0x06, "IP"},  {0x42, "Spanning tree"}, {0x98, "ARP"}, {0xaa, "SNAP"},
                             {0xe0, "IPX"}, {0xf0, "NetBIOS"},       {0xfe, "OSI"}, {0xff, "global"}};

void llc_fields(Fields& fields) {
  static constexpr Row kSapRows[] = {
      {"llc.dsap", "Destination service access point", 0, 1, hex, 0, kSaps},
      {"llc.ssap", "Source service access point", 1, 1, hex, 0, kSaps},
  };
  static constexpr Row kOrganisation{"llc.oui", "Organisation", 0, 3};
  static const Row kType{"llc.type", "Type", 3, 2, hex, 0, ethertype_meanings()};
  static constexpr Row kNumber{"llc.pid", "Protocol", 3, 2, hex};
  static constexpr Row kCiscoNumber{"llc.cisco_pid", "Protocol", 3, 2, hex};
  fields.rows(kSapRows);
  const auto control = fields.number(2, 1);
  if (!control) return;
  // Unnumbered frames have one control byte, the others two, low byte first (IEEE 802.2, 5.2).
  const bool unnumbered = (*control & 3U) == 3U;
  static constexpr Row kControl{"llc.control", "Control", 2, 2, little_hex};
  if (unnumbered) {
    fields.add("llc.control", "Control", hex_text(*control, 2), 2, 1);
  } else {
    fields.row(kControl, 0);
  }
  const size_t at = unnumbered ? 3 : 4;
  if (fields.number_or_0(0, 2) != 0xaaaa) return fields.set_length(at);
  fields.set_length(at + 5);
  fields.row(kOrganisation, at);
  switch (fields.number(at, 3).value_or(1)) {
    case 0x000000:
    case 0x0000f8: return fields.row(kType, at);
    case 0x00000c: return fields.row(kCiscoNumber, at);
    default: return fields.row(kNumber, at);
  }
}

constexpr Meaning kPacketTypes[] = {
    {0, "to us"}, {1, "broadcast"}, {2, "multicast"}, {3, "to another host"}, {4, "from us"}};

void sll_protocol(Fields& fields, size_t at, const Row& type, const Row& own) {
  const auto number = fields.number(at, 2);
  if (number) fields.row(*number < 0x0600 ? own : type, at);
}

/// The sender's address: `size_at` says how much of the eight bytes at `at` is one.
void sll_address(Fields& fields, size_t size_at, size_t size_size, size_t at) {
  static constexpr Row kEthernet{"sll.src.eth", "Source", 0, 6, mac};
  static constexpr Row kOther{"sll.src.other", "Source", 0, 0, bytes};
  const size_t size = fields.number_or_0(size_at, size_size);
  if (size == 6) return fields.row(kEthernet, at);
  if (size != 0 && size <= 8) fields.row(kOther, at, size);
}

void sll_fields(Fields& fields) {
  static constexpr Row kRows[] = {
      {"sll.pkttype", "Packet type", 0, 2, decimal, 0, kPacketTypes},
      {"sll.hatype", "Hardware type", 2, 2, decimal, 0, kHardware},
      {"sll.halen", "Address length", 4, 2},
  };
  static const Row kType{"sll.etype", "Type", 0, 2, hex, 0, ethertype_meanings()};
  static constexpr Row kOwn{"sll.ltype", "Type", 0, 2, hex};
  fields.rows(kRows);
  sll_address(fields, 4, 2, 6);
  sll_protocol(fields, 14, kType, kOwn);
  fields.set_length(16);
}

void sll2_fields(Fields& fields) {
  static constexpr Row kRows[] = {
      {"sll.ifindex", "Interface index", 4, 4},
      {"sll.hatype", "Hardware type", 8, 2, decimal, 0, kHardware},
      {"sll.pkttype", "Packet type", 10, 1, decimal, 0, kPacketTypes},
      {"sll.halen", "Address length", 11, 1},
  };
  static const Row kType{"sll.etype", "Type", 0, 2, hex, 0, ethertype_meanings()};
  static constexpr Row kOwn{"sll.ltype", "Type", 0, 2, hex};
  sll_protocol(fields, 0, kType, kOwn);
  fields.rows(kRows);
  sll_address(fields, 11, 1, 12);
  fields.set_length(20);
}

constexpr Meaning kMplsLabels[] = {{0, "IPv4 explicit null"}, {1, "router alert"}, {2, "IPv6 explicit null"},
                                   {3, "implicit null"},      {7, "entropy"},      {13, "associated channel"},
                                   {14, "OAM alert"}};
constexpr Row kMplsRows[] = {
    {"mpls.label", "Label", 0, 4, decimal, 0xfffff000, kMplsLabels},
    {"mpls.exp", "Traffic class", 0, 4, decimal, 0xe00},
    {"mpls.bottom", "Bottom of stack", 0, 4, decimal, 0x100},
    {"mpls.ttl", "Time to live", 0, 4, decimal, 0xff},
};

void mpls_stack(Fields& fields) {
  size_t at = 0;
  for (bool bottom = false; !bottom && !fields.full(); at += 4) {
    const auto entry = fields.number(at, 4);
    if (!entry) break;
    fields.rows(kMplsRows, at);
    bottom = (*entry & 0x100U) != 0;
  }
  fields.set_length(at);
}

constexpr Meaning kPppoeCodes[] = {{0x00, "session data"}, {0x07, "PADO"}, {0x09, "PADI"},
                                   {0x19, "PADR"},         {0x65, "PADS"}, {0xa7, "PADT"}};
constexpr Row kPppoeRows[] = {
    {"pppoe.version", "Version", 0, 1, decimal, 0xf0}, {"pppoe.type", "Type", 0, 1, decimal, 0x0f},
    {"pppoe.code", "Code", 1, 1, hex, 0, kPppoeCodes}, {"pppoe.session_id", "Session", 2, 2, hex},
    {"pppoe.payload_length", "Payload length", 4, 2},
};

/// RFC 2516, appendix A.
void pppoe_tag(Fields& fields, size_t type, size_t at, size_t size) {
  static constexpr struct {
    size_t type;
    Row row;
  } kTags[] = {
      {0x0101, {"pppoed.tags.service_name", "Service name", 0, 0, text}},
      {0x0102, {"pppoed.tags.ac_name", "Access concentrator", 0, 0, text}},
      {0x0103, {"pppoed.tags.host_uniq", "Host's mark", 0, 0, bytes}},
      {0x0104, {"pppoed.tags.ac_cookie", "Cookie", 0, 0, bytes}},
      {0x0110, {"pppoed.tags.relay_session_id", "Relay session", 0, 0, bytes}},
      {0x0201, {"pppoed.tags.service_name_error", "Service name error", 0, 0, text}},
      {0x0202, {"pppoed.tags.ac_system_error", "System error", 0, 0, text}},
      {0x0203, {"pppoed.tags.generic_error", "Error", 0, 0, text}},
  };
  for (const auto& tag : kTags) {
    if (tag.type == type && size != 0) fields.row(tag.row, at, size);
  }
}

void pppoe_tags(Fields& fields) {
  const size_t end = 6 + fields.number_or_0(4, 2);
  fields.set_length(end);
  for (size_t at = 6; at + 4 <= end && !fields.full();) {
    const auto head = fields.number(at, 4);
    if (!head || *head >> 16 == 0) return;
    const auto size = static_cast<size_t>(*head & 0xffffU);
    if (at + 4 + size > end) return;
    pppoe_tag(fields, static_cast<size_t>(*head >> 16), at + 4, size);
    at += 4 + size;
  }
}

void pppoe_session(Fields& fields) { fields.set_length(6); }
/// Code 0 is the session's.
void pppoe_either(Fields& fields) {
  return fields.number_or_0(1, 1) == 0 ? pppoe_session(fields) : pppoe_tags(fields);
}

constexpr Meaning kPppProtocols[] = {{0x0021, "IPv4"},      {0x0057, "IPv6"},      {0x0281, "MPLS"},
                                     {0x8021, "IPCP"},      {0x8057, "IPV6CP"},    {0x80fd, "CCP"},
                                     {0xc021, "LCP"},       {0xc023, "PAP"},       {0xc223, "CHAP"},
                                     {0x003d, "multilink"}, {0x00fd, "compressed"}};

void ppp_fields(Fields& fields) {
  static constexpr Row kFraming[] = {
      {"ppp.address", "Address", 0, 1, hex},
      {"ppp.control", "Control", 1, 1, hex},
  };
  static constexpr Row kProtocol{"ppp.protocol", "Protocol", 0, 2, hex, 0, kPppProtocols};
  size_t at = 0;
  if (fields.number_or_0(0, 2) == 0xff03) {
    fields.rows(kFraming);
    at = 2;
  }
  // One byte when it is odd (RFC 1661, section 6.5).
  const bool compressed = (fields.number_or_0(at, 1) & 1U) != 0;
  if (compressed) {
    const size_t number = fields.number_or_0(at, 1);
    fields.add("ppp.protocol", "Protocol", hex_text(number, 2), at, 1);
  } else {
    fields.row(kProtocol, at);
  }
  fields.set_length(at + (compressed ? 1 : 2));
}

constexpr Row kChdlcRows[] = {
    {"chdlc.address", "Address", 0, 1, hex},
    {"chdlc.control", "Control", 1, 1, hex},
};
void chdlc_protocol(Fields& fields) {
  static const Row kProtocol{"chdlc.protocol", "Protocol", 2, 2, hex, 0, ethertype_meanings()};
  fields.row(kProtocol, 0);
}

/// The address family, in the byte order of the machine that captured; none needs more than 16 bits.
void null_fields(Fields& fields) {
  static constexpr Meaning kFamilies[] = {
      {2, "IPv4"}, {10, "IPv6"}, {24, "IPv6"}, {28, "IPv6"}, {30, "IPv6"}};
  static constexpr Row kBig{"null.family", "Family", 0, 4, decimal, 0, kFamilies};
  static constexpr Row kLittle{"null.family", "Family", 0, 4, little_decimal, 0, kFamilies};
  if (fields.number_or_0(0, 2) == 0xff03) return;  // PPP that was captured as loopback
  fields.row(fields.number_or_0(0, 2) == 0 ? kBig : kLittle, 0);
  fields.set_length(4);
}

/// An address of two bytes (ITU-T Q.922, section 3.3).
void frame_relay_fields(Fields& fields) {
  static constexpr Row kRows[] = {{"fr.cr", "Command or response", 0, 1, decimal, 0x02},
                                  {"fr.fecn", "Forward congestion", 1, 1, decimal, 0x08},
                                  {"fr.becn", "Backward congestion", 1, 1, decimal, 0x04},
                                  {"fr.de", "Discard eligible", 1, 1, decimal, 0x02}};
  const size_t address = fields.number_or_0(0, 2);
  if (&fields.protocol() != &kFrameRelay || (address & 0x0101U) != 1) return;
  const size_t connection = (address >> 10 << 4) | (address >> 4 & 0x0fU);
  fields.add("fr.dlci", "Data link connection", std::to_string(connection), 0, 2);
  fields.rows(kRows);
}

constexpr Description kDescriptions[] = {
    {"eth", "Ethernet", kEthernetRows, ethernet_type},
    {"vlan", "VLAN tag (802.1Q)", kVlanRows, vlan_type},
    {"ieee8021ad", "Provider VLAN tag (802.1ad)", kProviderRows, provider_type},
    {"ieee8021ah", "Provider backbone tag (802.1ah)", kBackboneRows, backbone_type},
    {"arp", "Address Resolution Protocol", {}, arp_fields},
    {"llc", "Logical link control", {}, llc_fields},
    {"sll", "Linux cooked capture", {}, sll_fields},
    {"sll2", "Linux cooked capture, version 2", {}, sll2_fields},
    {"mpls", "MPLS label stack", {}, mpls_stack},
    {"pppoes", "PPP over Ethernet, session", kPppoeRows, pppoe_session},
    {"pppoed", "PPP over Ethernet, discovery", kPppoeRows, pppoe_tags},
    {"pppoe", "PPP over Ethernet", kPppoeRows, pppoe_either},
    {"ppp", "Point-to-Point Protocol", {}, ppp_fields},
    {"chdlc", "Cisco HDLC", kChdlcRows, chdlc_protocol},
    {"null", "BSD loopback", {}, null_fields},
    {"fr", "Frame Relay", {}, frame_relay_fields},
};

}  // namespace

Descriptions link_descriptions() { return kDescriptions; }

}  // namespace wl::packet
