// Headers that carry other packets.
#include "libcommon/packet/detail_fields.h"

namespace wl::packet {
namespace {

using enum Format;

constexpr size_t kGreChecksum = 0x8000;
constexpr size_t kGreRouting = 0x4000;
constexpr size_t kGreKey = 0x2000;
constexpr size_t kGreSequence = 0x1000;
constexpr size_t kGreAcknowledgement = 0x0080;

/// RFC 2890; version 1, in which the key is a length and a call: RFC 2637, section 4.1.
void gre_optional_fields(Fields& fields, size_t flags) {
  static constexpr Row kChecksum[] = {{"gre.checksum", "Checksum", 0, 2, hex},
                                      {"gre.offset", "Offset", 2, 2}};
  static constexpr Row kKey{"gre.key", "Key", 0, 4, hex};
  static constexpr Row kCall[] = {{"gre.key.payload_length", "Payload length", 0, 2},
                                  {"gre.key.call_id", "Call", 2, 2}};
  static constexpr Row kSequence{"gre.sequence_number", "Sequence number", 0, 4};
  static constexpr Row kAcknowledgement{"gre.ack_number", "Acknowledgement number", 0, 4};
  const bool version_1 = (flags & 7U) == 1;
  size_t at = 4;
  const auto take = [&](bool there, std::span<const Row> rows) {
    if (!there) return;
    fields.rows(rows, at);
    at += 4;
  };
  take((flags & (kGreChecksum | kGreRouting)) != 0 && !version_1, kChecksum);
  take((flags & kGreKey) != 0, version_1 ? std::span<const Row>(kCall) : std::span(&kKey, 1));
  take((flags & kGreSequence) != 0, {&kSequence, 1});
  take((flags & kGreAcknowledgement) != 0 && version_1, {&kAcknowledgement, 1});
}

void gre_fields(Fields& fields) {
  static const Row kRows[] = {
      {"gre.flags_and_version", "Flags and version", 0, 2, hex},
      {"gre.flags.checksum", "Checksum there", 0, 2, decimal, kGreChecksum},
      {"gre.flags.routing", "Routing there", 0, 2, decimal, kGreRouting},
      {"gre.flags.key", "Key there", 0, 2, decimal, kGreKey},
      {"gre.flags.sequence_number", "Sequence number there", 0, 2, decimal, kGreSequence},
      {"gre.flags.version", "Version", 0, 2, decimal, 0x0007},
      {"gre.proto", "Protocol", 2, 2, hex, 0, ethertype_meanings()},
  };
  fields.rows(kRows);
  gre_optional_fields(fields, fields.number_or_0(0, 2));
}

constexpr Row kVxlanRows[] = {
    {"vxlan.flags", "Flags", 0, 2, hex},
    {"vxlan.flag_i", "Network identifier there", 0, 2, decimal, 0x0800},
    {"vxlan.gbp", "Group policy", 2, 2},
    {"vxlan.vni", "Network identifier", 4, 3},
};
void vxlan_length(Fields& fields) { fields.set_length(8); }

void geneve_fields(Fields& fields) {
  static const Row kRows[] = {
      {"geneve.version", "Version", 0, 1, decimal, 0xc0},
      {"geneve.flags", "Flags", 1, 1, hex},
      {"geneve.flags.oam", "Control message", 1, 1, decimal, 0x80},
      {"geneve.flags.critical", "Critical options", 1, 1, decimal, 0x40},
      {"geneve.proto_type", "Protocol", 2, 2, hex, 0, ethertype_meanings()},
      {"geneve.vni", "Network identifier", 4, 3, hex},
  };
  static constexpr Row kOption[] = {
      {"geneve.option.class", "Option class", 0, 2, hex},
      {"geneve.option.type", "Option type", 2, 1, hex},
  };
  fields.rows(kRows);
  const size_t end = 8 + (fields.number_or_0(0, 1) & 0x3fU) * 4;
  for (size_t at = 8; at + 4 <= end && !fields.full();) {
    const auto head = fields.number(at, 4);
    if (!head) break;
    fields.rows(kOption, at);
    at += 4 + static_cast<size_t>(*head & 0x1fU) * 4;
  }
  fields.set_length(end);
}

constexpr Row kGtpRows[] = {
    {"gtp.flags", "Flags", 0, 1, hex},
    {"gtp.flags.version", "Version", 0, 1, decimal, 0xe0},
    {"gtp.message", "Message type", 1, 1, hex},
    {"gtp.length", "Length", 2, 2},
};
void gtp_tunnel(Fields& fields) {
  static constexpr Row kTunnel{"gtp.teid", "Tunnel endpoint", 4, 4, hex};
  if (fields.number_or_0(0, 1) >> 5 == 1) fields.row(kTunnel, 0);
}

constexpr Row kL2tpRows[] = {
    {"l2tp.type", "Control message", 0, 2, decimal, 0x8000},
    {"l2tp.version", "Version", 0, 2, decimal, 0x000f},
};
/// RFC 2661, section 3.1: what the flags announce.
void l2tp_fields(Fields& fields) {
  static constexpr Row kLength{"l2tp.length", "Length", 0, 2};
  static constexpr Row kIds[] = {{"l2tp.tunnel", "Tunnel", 0, 2}, {"l2tp.session", "Session", 2, 2}};
  static constexpr Row kSequence[] = {{"l2tp.Ns", "Sequence number", 0, 2},
                                      {"l2tp.Nr", "Next expected", 2, 2}};
  const size_t flags = fields.number_or_0(0, 2);
  if ((flags & 0x000fU) != 2) return;
  size_t at = 2;
  if ((flags & 0x4000U) != 0) {
    fields.row(kLength, at);
    at += 2;
  }
  fields.rows(kIds, at);
  at += 4;
  if ((flags & 0x0800U) != 0) fields.rows(kSequence, at);
}

constexpr Row kErspanRows[] = {
    {"erspan.version", "Version", 0, 2, decimal, 0xf000},
    {"erspan.vlan", "VLAN identifier", 0, 2, decimal, 0x0fff},
    {"erspan.cos", "Class of service", 2, 2, decimal, 0xe000},
    {"erspan.truncated", "Truncated", 2, 2, decimal, 0x0400},
    {"erspan.spanid", "Session", 2, 2, decimal, 0x03ff},
};

constexpr Row kNshRows[] = {
    {"nsh.version", "Version", 0, 2, decimal, 0xc000},
    {"nsh.ttl", "Time to live", 0, 2, hex, 0x0fc0},
    {"nsh.spi", "Service path", 4, 3},
    {"nsh.si", "Service index", 7, 1},
};

constexpr Description kDescriptions[] = {
    {"gre", "Generic Routing Encapsulation", {}, gre_fields},
    {"vxlan", "Virtual eXtensible LAN", kVxlanRows, vxlan_length},
    {"geneve", "Generic Network Virtualization Encapsulation", {}, geneve_fields},
    {"gtp", "GPRS Tunnelling Protocol", kGtpRows, gtp_tunnel},
    {"l2tp", "Layer 2 Tunnelling Protocol", kL2tpRows, l2tp_fields},
    {"erspan", "Encapsulated Remote SPAN", kErspanRows},
    {"nsh", "Network Service Header", kNshRows},
};

}  // namespace

Descriptions tunnel_descriptions() { return kDescriptions; }

}  // namespace wl::packet
