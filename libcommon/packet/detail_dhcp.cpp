// DHCP (RFC 2131) and its options (RFC 2132).
#include "libcommon/packet/detail_fields.h"

namespace wl::packet {
namespace {

using enum Format;

constexpr Meaning kOperations[] = {{1, "request"}, {2, "reply"}};
constexpr Row kFixed[] = {
    {"dhcp.type", "Operation", 0, 1, decimal, 0, kOperations},
    {"dhcp.hw.type", "Hardware type", 1, 1, hex},
    {"dhcp.hw.len", "Hardware address length", 2, 1},
    {"dhcp.hops", "Hops", 3, 1},
    {"dhcp.id", "Transaction", 4, 4, hex},
    {"dhcp.secs", "Seconds", 8, 2},
    {"dhcp.flags", "Flags", 10, 2, hex},
    {"dhcp.flags.bc", "Broadcast", 10, 2, decimal, 0x8000},
    {"dhcp.ip.client", "Client address", 12, 4, ipv4},
    {"dhcp.ip.your", "Your address", 16, 4, ipv4},
    {"dhcp.ip.server", "Next server", 20, 4, ipv4},
    {"dhcp.ip.relay", "Relay agent", 24, 4, ipv4},
};

constexpr Meaning kMessages[] = {{1, "Discover"}, {2, "Offer"}, {3, "Request"}, {4, "Decline"},
                                 {5, "ACK"},      {6, "NAK"},   {7, "Release"}, {8, "Inform"}};
constexpr Meaning kOptions[] = {
    {1, "subnet mask"},        {3, "router"},           {6, "name servers"},
    {12, "host name"},         {15, "domain name"},     {26, "interface MTU"},
    {28, "broadcast address"}, {42, "NTP servers"},     {43, "vendor's own"},
    {50, "requested address"}, {51, "lease time"},      {52, "overload"},
    {53, "message type"},      {54, "server"},          {55, "requested options"},
    {56, "message"},           {57, "largest message"}, {58, "renewal time"},
    {59, "rebinding time"},    {60, "vendor class"},    {61, "client identifier"},
    {66, "TFTP server"},       {67, "boot file"},       {81, "client's full name"},
    {82, "relay agent"},       {119, "domain search"},  {121, "classless routes"}};

/// What an option holds: `each` bytes a value (0: all of it).
struct Option {
  uint8_t code;
  size_t each;
  Row row;
};
constexpr Option kOptionRows[] = {
    {1, 4, {"dhcp.option.subnet_mask", "Subnet mask", 0, 4, ipv4}},
    {3, 4, {"dhcp.option.router", "Router", 0, 4, ipv4}},
    {6, 4, {"dhcp.option.domain_name_server", "Name server", 0, 4, ipv4}},
    {12, 0, {"dhcp.option.hostname", "Host name", 0, 0, text}},
    {15, 0, {"dhcp.option.domain_name", "Domain name", 0, 0, text}},
    {26, 2, {"dhcp.option.interface_mtu", "Interface MTU", 0, 2}},
    {28, 4, {"dhcp.option.broadcast_address", "Broadcast address", 0, 4, ipv4}},
    {42, 4, {"dhcp.option.ntp_server", "NTP server", 0, 4, ipv4}},
    {50, 4, {"dhcp.option.requested_ip_address", "Requested address", 0, 4, ipv4}},
    {51, 4, {"dhcp.option.ip_address_lease_time", "Lease time (s)", 0, 4}},
    {53, 1, {"dhcp.option.dhcp", "Message type", 0, 1, decimal, 0, kMessages}},
    {54, 4, {"dhcp.option.dhcp_server_id", "Server", 0, 4, ipv4}},
    {55, 1, {"dhcp.option.request_list_item", "Requested option", 0, 1, decimal, 0, kOptions}},
    {56, 0, {"dhcp.option.message", "Message", 0, 0, text}},
    {57, 2, {"dhcp.option.dhcp_max_message_size", "Largest message", 0, 2}},
    {58, 4, {"dhcp.option.renewal_time_value", "Renewal time (s)", 0, 4}},
    {59, 4, {"dhcp.option.rebinding_time_value", "Rebinding time (s)", 0, 4}},
    {60, 0, {"dhcp.option.vendor_class_id", "Vendor class", 0, 0, text}},
};

void option_values(Fields& fields, size_t code, size_t at, size_t size) {
  for (const Option& option : kOptionRows) {
    if (option.code != code || size == 0) continue;
    const size_t each = option.each == 0 ? size : option.each;
    for (size_t value = at; value + each <= at + size && !fields.full(); value += each) {
      fields.row(option.row, value, each);
    }
  }
}

void dhcp_options(Fields& fields, size_t at) {
  static constexpr Row kType{"dhcp.option.type", "Option", 0, 1, decimal, 0, kOptions};
  static constexpr Row kEnd{"dhcp.option.end", "End of the options", 0, 1};
  static constexpr Row kLength{"dhcp.option.length", "Option length", 1, 1};
  while (!fields.full()) {
    const auto code = fields.number(at, 1);
    if (!code) return;
    if (*code == 0) {
      ++at;
      continue;
    }
    if (*code == 255) return fields.row(kEnd, at);
    const auto size = fields.number(at + 1, 1);
    if (!size) return;
    fields.row_over(kType, at, 2 + *size);
    fields.row(kLength, at);
    option_values(fields, static_cast<size_t>(*code), at + 2, *size);
    at += 2 + *size;
  }
}

/// Text that ends with a zero byte, in a field of `room` bytes.
void padded_text(Fields& fields, const Row& row, size_t at, size_t room) {
  const std::string_view text = fields.from(at).first(room).text();
  if (text.size() == room && text.front() != '\0') {
    fields.add(row.key, row.label, wire_text(text.substr(0, text.find('\0')), fields.scratch()), at, room);
  }
}

void dhcp_fields(Fields& fields) {
  static constexpr Row kMac{"dhcp.hw.mac_addr", "Client hardware address", 28, 6, mac};
  static constexpr Row kServer{"dhcp.server", "Server name", 0, 0, text};
  static constexpr Row kFile{"dhcp.file", "Boot file", 0, 0, text};
  static constexpr Row kCookie{"dhcp.cookie", "Magic cookie", 236, 4, ipv4};
  fields.rows(kFixed);
  if (fields.number_or_0(1, 2) == 0x0106) fields.row(kMac, 0);
  padded_text(fields, kServer, 44, 64);
  padded_text(fields, kFile, 108, 128);
  fields.row(kCookie, 0);
  if (fields.number_or_0(236, 4) == 0x63825363) dhcp_options(fields, 240);
}

constexpr Meaning kMessages6[] = {{1, "Solicit"},
                                  {2, "Advertise"},
                                  {3, "Request"},
                                  {4, "Confirm"},
                                  {5, "Renew"},
                                  {6, "Rebind"},
                                  {7, "Reply"},
                                  {8, "Release"},
                                  {9, "Decline"},
                                  {10, "Reconfigure"},
                                  {11, "Information-request"},
                                  {12, "Relay-forward"},
                                  {13, "Relay-reply"}};
constexpr Meaning kOptions6[] = {
    {1, "client identifier"}, {2, "server identifier"},  {3, "addresses"},       {5, "address"},
    {6, "requested options"}, {8, "elapsed time"},       {9, "relayed message"}, {13, "status"},
    {14, "rapid commit"},     {16, "vendor class"},      {23, "name servers"},   {24, "domain search"},
    {25, "prefixes"},         {39, "client's full name"}};

/// RFC 8415, sections 8 and 9.
void dhcpv6_fields(Fields& fields) {
  static constexpr Row kType{"dhcpv6.msgtype", "Message type", 0, 1, decimal, 0, kMessages6};
  static constexpr Row kTransaction{"dhcpv6.xid", "Transaction", 1, 3, hex};
  static constexpr Row kRelay[] = {{"dhcpv6.hopcount", "Hops", 1, 1},
                                   {"dhcpv6.linkaddr", "Link address", 2, 16, ipv6},
                                   {"dhcpv6.peeraddr", "Peer address", 18, 16, ipv6}};
  static constexpr Row kOption[] = {{"dhcpv6.option.type", "Option", 0, 2, decimal, 0, kOptions6},
                                    {"dhcpv6.option.length", "Option length", 2, 2}};
  const size_t type = fields.number_or_0(0, 1);
  const bool relayed = type == 12 || type == 13;
  fields.row(kType, 0);
  if (relayed) {
    fields.rows(kRelay);
  } else {
    fields.row(kTransaction, 0);
  }
  for (size_t at = relayed ? 34 : 4; !fields.full();) {
    const auto size = fields.number(at + 2, 2);
    if (!size) return;
    fields.rows(kOption, at);
    at += 4 + *size;
  }
}

constexpr Description kDescriptions[] = {
    {"dhcp", "Dynamic Host Configuration Protocol", {}, dhcp_fields},
    {"dhcpv6", "Dynamic Host Configuration Protocol version 6", {}, dhcpv6_fields},
};

}  // namespace

Descriptions dhcp_descriptions() { return kDescriptions; }

}  // namespace wl::packet
