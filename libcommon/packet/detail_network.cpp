// IP of both versions, with options and extension headers, and IPsec.
#include <algorithm>

#include "libcommon/packet/detail_fields.h"

namespace wl::packet {
namespace {

using enum Format;

constexpr Meaning kEcn[] = {{0, "not capable"}, {1, "capable (1)"}, {2, "capable (0)"}, {3, "congestion"}};

// "IP Option Numbers" of IANA, with their copy and class bits.
constexpr Meaning kIpOptions[] = {
    {0, "end"},         {1, "no operation"},   {7, "record route"},  {68, "timestamp"},
    {82, "traceroute"}, {130, "security"},     {131, "loose route"}, {134, "commercial security"},
    {136, "stream"},    {137, "strict route"}, {148, "router alert"}};

void ipv4_option(Fields& fields, size_t type, size_t at) {
  static constexpr Row kPointer{"ip.opt.ptr", "Pointer", 2, 1};
  static constexpr Row kAlert{"ip.opt.ra", "Router alert", 2, 2};
  switch (type) {
    case 7:
    case 68:
    case 131:
    case 137: return fields.row(kPointer, at);
    case 148: return fields.row(kAlert, at);
    default: return;
  }
}

void ipv4_options(Fields& fields, size_t end) {
  static constexpr Row kType{"ip.opt.type", "Option", 0, 1, decimal, 0, kIpOptions};
  static constexpr Row kLength{"ip.opt.len", "Option length", 1, 1};
  for (size_t at = 20; at < end && !fields.full();) {
    const auto type = fields.number(at, 1);
    if (!type) return;
    const bool alone = *type <= 1;
    const size_t size = alone ? 1 : fields.number_or_0(at + 1, 1);
    if (size < (alone ? 1 : 2) || at + size > end) return;
    fields.row(kType, at);
    if (!alone) fields.row(kLength, at);
    if (*type == 0) return;
    if (size > 2) ipv4_option(fields, static_cast<size_t>(*type), at);
    at += size;
  }
}

void ipv4_fields(Fields& fields) {
  static const Row kRows[] = {
      {"ip.version", "Version", 0, 1, decimal, 0xf0},
      {"ip.hdr_len", "Header length", 0, 1, decimal, 0x0f, {}, 4},
      {"ip.dsfield", "Differentiated services", 1, 1, hex},
      {"ip.dsfield.dscp", "Codepoint (DSCP)", 1, 1, decimal, 0xfc},
      {"ip.dsfield.ecn", "Congestion notification (ECN)", 1, 1, decimal, 0x03, kEcn},
      {"ip.len", "Total length", 2, 2},
      {"ip.id", "Identification", 4, 2, hex},
      {"ip.flags", "Flags", 6, 1, hex, 0xe0},
      {"ip.flags.rb", "Reserved", 6, 1, decimal, 0x80},
      {"ip.flags.df", "Don't fragment", 6, 1, decimal, 0x40},
      {"ip.flags.mf", "More fragments", 6, 1, decimal, 0x20},
      {"ip.frag_offset", "Fragment offset in 8 bytes", 6, 2, decimal, 0x1fff},
      {"ip.ttl", "Time to live", 8, 1},
      {"ip.proto", "Protocol", 9, 1, decimal, 0, ip_protocol_meanings()},
      {"ip.checksum", "Header checksum", 10, 2, hex},
      {"ip.src", "Source", 12, 4, ipv4},
      {"ip.dst", "Destination", 16, 4, ipv4},
  };
  fields.rows(kRows);
  const size_t header = (fields.number_or_0(0, 1) & 0x0fU) * 4;
  ipv4_options(fields, header);
  fields.set_length(std::max<size_t>(header, 20));
}

constexpr size_t kHopByHop = 0;
constexpr size_t kRouting = 43;
constexpr size_t kFragment = 44;
constexpr size_t kDestination = 60;

/// Options of hop-by-hop and destination headers (RFC 8200, section 4.2).
void ipv6_options(Fields& fields, size_t at, size_t end) {
  static constexpr Meaning kOptions[] = {{0x00, "Pad1"},
                                         {0x01, "PadN"},
                                         {0x05, "router alert"},
                                         {0xc2, "jumbo payload"},
                                         {0xc9, "home address"}};
  static constexpr Row kType{"ipv6.opt.type", "Option", 0, 1, hex, 0, kOptions};
  static constexpr Row kLength{"ipv6.opt.length", "Option length", 1, 1};
  static constexpr Row kAlert{"ipv6.opt.router_alert", "Router alert", 2, 2};
  static constexpr Row kJumbo{"ipv6.opt.jumbo", "Payload length", 2, 4};
  static constexpr Row kHome{"ipv6.opt.mipv6.home_address", "Home address", 2, 16, ipv6};
  while (at < end && !fields.full()) {
    const auto type = fields.number(at, 1);
    if (!type) return;
    fields.row(kType, at);
    if (*type == 0) {
      ++at;
      continue;
    }
    const auto size = fields.number(at + 1, 1);
    if (!size || at + 2 + *size > end) return;
    fields.row(kLength, at);
    if (*type == 0x05 && *size == 2) fields.row(kAlert, at);
    if (*type == 0xc2 && *size == 4) fields.row(kJumbo, at);
    if (*type == 0xc9 && *size == 16) fields.row(kHome, at);
    at += 2 + *size;
  }
}

/// The fields of one extension header of `size` bytes.
void ipv6_extension(Fields& fields, size_t number, size_t at, size_t size) {
  static const Row kHopRows[] = {
      {"ipv6.hopopts.nxt", "Next header", 0, 1, decimal, 0, ip_protocol_meanings()},
      {"ipv6.hopopts.len", "Length in 8 bytes, less one", 1, 1}};
  static const Row kDestinationRows[] = {
      {"ipv6.dstopts.nxt", "Next header", 0, 1, decimal, 0, ip_protocol_meanings()},
      {"ipv6.dstopts.len", "Length in 8 bytes, less one", 1, 1}};
  static const Row kRoutingRows[] = {
      {"ipv6.routing.nxt", "Next header", 0, 1, decimal, 0, ip_protocol_meanings()},
      {"ipv6.routing.len", "Length in 8 bytes, less one", 1, 1},
      {"ipv6.routing.type", "Routing type", 2, 1},
      {"ipv6.routing.segleft", "Segments left", 3, 1}};
  static const Row kFragmentRows[] = {
      {"ipv6.fraghdr.nxt", "Next header", 0, 1, decimal, 0, ip_protocol_meanings()},
      {"ipv6.fraghdr.offset", "Fragment offset in 8 bytes", 2, 2, decimal, 0xfff8},
      {"ipv6.fraghdr.more", "More fragments", 2, 2, decimal, 0x0001},
      {"ipv6.fraghdr.ident", "Identification", 4, 4, hex}};
  switch (number) {
    case kHopByHop: fields.rows(kHopRows, at); return ipv6_options(fields, at + 2, at + size);
    case kDestination: fields.rows(kDestinationRows, at); return ipv6_options(fields, at + 2, at + size);
    case kRouting: return fields.rows(kRoutingRows, at);
    case kFragment: return fields.rows(kFragmentRows, at);
    default: return;
  }
}

void ipv6_fields(Fields& fields) {
  static const Row kRows[] = {
      {"ipv6.version", "Version", 0, 1, decimal, 0xf0},
      {"ipv6.tclass", "Traffic class", 0, 4, hex, 0x0ff00000},
      {"ipv6.tclass.dscp", "Codepoint (DSCP)", 0, 4, decimal, 0x0fc00000},
      {"ipv6.tclass.ecn", "Congestion notification (ECN)", 0, 4, decimal, 0x00300000, kEcn},
      {"ipv6.flow", "Flow label", 1, 3, hex, 0x0fffff},
      {"ipv6.plen", "Payload length", 4, 2},
      {"ipv6.nxt", "Next header", 6, 1, decimal, 0, ip_protocol_meanings()},
      {"ipv6.hlim", "Hop limit", 7, 1},
      {"ipv6.src", "Source", 8, 16, ipv6},
      {"ipv6.dst", "Destination", 24, 16, ipv6},
  };
  fields.rows(kRows);
  size_t number = fields.number_or_0(6, 1);
  size_t at = 40;
  constexpr size_t kMobility = 135;
  while (number == kHopByHop || number == kRouting || number == kFragment || number == kDestination ||
         number == kMobility) {
    const auto head = fields.number(at, 4);
    if (!head || fields.full()) break;
    const size_t size = number == kFragment ? 8 : (static_cast<size_t>(*head >> 16 & 0xffU) + 1) * 8;
    ipv6_extension(fields, number, at, size);
    at += size;
    // What follows the first fragment's header; in the others there is no further header.
    if (number == kFragment && (*head & 0xfff8U) != 0) break;
    number = static_cast<size_t>(*head >> 24);
  }
  fields.set_length(at);
}

void ah_fields(Fields& fields) {
  static const Row kRows[] = {
      {"ah.next_header", "Next header", 0, 1, decimal, 0, ip_protocol_meanings()},
      {"ah.length", "Length in 4 bytes, less two", 1, 1},
      {"ah.spi", "Security parameters index", 4, 4, hex},
      {"ah.sequence", "Sequence number", 8, 4},
  };
  static constexpr Row kCheck{"ah.icv", "Integrity check value", 0, 0, bytes};
  fields.rows(kRows);
  const size_t size = (fields.number_or_0(1, 1) + 2) * 4;
  if (size > 12) fields.row(kCheck, 12, size - 12);
  fields.set_length(size);
}

constexpr Row kEspRows[] = {
    {"esp.spi", "Security parameters index", 0, 4, hex},
    {"esp.sequence", "Sequence number", 4, 4},
};
void esp_length(Fields& fields) { fields.set_length(8); }

constexpr Description kDescriptions[] = {
    {"ip", "Internet Protocol version 4", {}, ipv4_fields},
    {"ipv6", "Internet Protocol version 6", {}, ipv6_fields},
    {"ah", "IPsec Authentication Header", {}, ah_fields},
    {"esp", "IPsec Encapsulating Security Payload", kEspRows, esp_length},
};

}  // namespace

Descriptions network_descriptions() { return kDescriptions; }

}  // namespace wl::packet
