// Control messages of IP: ICMP, ICMPv6 with neighbour discovery, IGMP.
#include "libcommon/packet/detail_fields.h"

namespace wl::packet {
namespace {

using enum Format;

constexpr Meaning kIcmpTypes[] = {{0, "echo reply"},           {3, "destination unreachable"},
                                  {4, "source quench"},        {5, "redirect"},
                                  {8, "echo request"},         {9, "router advertisement"},
                                  {10, "router solicitation"}, {11, "time exceeded"},
                                  {12, "parameter problem"},   {13, "timestamp"},
                                  {14, "timestamp reply"},     {15, "information request"},
                                  {16, "information reply"},   {17, "address mask request"},
                                  {18, "address mask reply"},  {42, "extended echo request"},
                                  {43, "extended echo reply"}};
constexpr Meaning kUnreachable[] = {{0, "network"},
                                    {1, "host"},
                                    {2, "protocol"},
                                    {3, "port"},
                                    {4, "fragmentation needed"},
                                    {5, "source route failed"},
                                    {6, "network unknown"},
                                    {7, "host unknown"},
                                    {9, "network prohibited"},
                                    {10, "host prohibited"},
                                    {13, "administratively filtered"}};
constexpr Meaning kExceeded[] = {{0, "in transit"}, {1, "in reassembly"}};

/// The row of a message's code, with the names that its type gives it.
Row code_row(std::string_view key, Meanings meanings) { return {key, "Code", 1, 1, decimal, 0, meanings}; }

void icmp_fields(Fields& fields) {
  static constexpr Row kType{"icmp.type", "Type", 0, 1, decimal, 0, kIcmpTypes};
  static constexpr Row kChecksum{"icmp.checksum", "Checksum", 2, 2, hex};
  static constexpr Row kEcho[] = {{"icmp.ident", "Identifier", 4, 2}, {"icmp.seq", "Sequence number", 6, 2}};
  static constexpr Row kMtu{"icmp.mtu", "MTU of the next hop", 6, 2};
  static constexpr Row kGateway{"icmp.redir_gw", "Gateway", 4, 4, ipv4};
  static constexpr Row kPointer{"icmp.pointer", "Pointer", 4, 1};
  static constexpr Row kTimes[] = {{"icmp.originate_timestamp", "Originated (ms of the day)", 8, 4},
                                   {"icmp.receive_timestamp", "Received (ms of the day)", 12, 4},
                                   {"icmp.transmit_timestamp", "Transmitted (ms of the day)", 16, 4}};
  const size_t type = fields.number_or_0(0, 1);
  fields.row(kType, 0);
  fields.row(code_row("icmp.code", type == 3    ? Meanings(kUnreachable)
                                   : type == 11 ? Meanings(kExceeded)
                                                : Meanings{}),
             0);
  fields.row(kChecksum, 0);
  switch (type) {
    case 0:
    case 8:
    case 15:
    case 16:
    case 17:
    case 18: return fields.rows(kEcho);
    case 13:
    case 14: fields.rows(kEcho); return fields.rows(kTimes);
    case 3:
      if (fields.number_or_0(1, 1) == 4) fields.row(kMtu, 0);
      return;
    case 5: return fields.row(kGateway, 0);
    case 12: return fields.row(kPointer, 0);
    default: return;
  }
}

constexpr Meaning kIcmpv6Types[] = {{1, "destination unreachable"},
                                    {2, "packet too big"},
                                    {3, "time exceeded"},
                                    {4, "parameter problem"},
                                    {128, "echo request"},
                                    {129, "echo reply"},
                                    {130, "listener query"},
                                    {131, "listener report"},
                                    {132, "listener done"},
                                    {133, "router solicitation"},
                                    {134, "router advertisement"},
                                    {135, "neighbour solicitation"},
                                    {136, "neighbour advertisement"},
                                    {137, "redirect"},
                                    {143, "listener report, version 2"}};
constexpr Meaning kUnreachable6[] = {{0, "no route"},      {1, "prohibited"}, {2, "beyond scope"},
                                     {3, "address"},       {4, "port"},       {5, "source address policy"},
                                     {6, "route rejected"}};
constexpr Meaning kNeighbourOptions[] = {{1, "source link-layer address"},
                                         {2, "target link-layer address"},
                                         {3, "prefix"},
                                         {4, "redirected header"},
                                         {5, "MTU"},
                                         {24, "route"},
                                         {25, "DNS servers"},
                                         {31, "DNS search list"}};

void neighbour_option(Fields& fields, size_t type, size_t at, size_t size) {
  static constexpr Row kAddress{"icmpv6.opt.linkaddr", "Link-layer address", 2, 6, mac};
  static constexpr Row kMtu{"icmpv6.opt.mtu", "MTU", 4, 4};
  static constexpr Row kServer{"icmpv6.opt.rdnss", "DNS server", 0, 16, ipv6};
  static constexpr Row kServerLifetime{"icmpv6.opt.rdnss.lifetime", "Lifetime", 4, 4};
  static constexpr Row kPrefix[] = {
      {"icmpv6.opt.prefix.length", "Prefix length", 2, 1},
      {"icmpv6.opt.prefix.flag", "Flags", 3, 1, hex},
      {"icmpv6.opt.prefix.flag.l", "On link", 3, 1, decimal, 0x80},
      {"icmpv6.opt.prefix.flag.a", "Autonomous configuration", 3, 1, decimal, 0x40},
      {"icmpv6.opt.prefix.valid_lifetime", "Valid lifetime", 4, 4},
      {"icmpv6.opt.prefix.preferred_lifetime", "Preferred lifetime", 8, 4},
      {"icmpv6.opt.prefix", "Prefix", 16, 16, ipv6}};
  switch (type) {
    case 1:
    case 2:
      if (size == 8) fields.row(kAddress, at);
      return;
    case 3:
      if (size == 32) fields.rows(kPrefix, at);
      return;
    case 5:
      if (size == 8) fields.row(kMtu, at);
      return;
    case 25:
      fields.row(kServerLifetime, at);
      for (size_t server = at + 8; server + 16 <= at + size; server += 16) fields.row(kServer, server);
      return;
    default: return;
  }
}

/// RFC 4861, section 4.6: type, length in units of eight bytes.
void neighbour_options(Fields& fields, size_t at) {
  static constexpr Row kRows[] = {{"icmpv6.opt.type", "Option", 0, 1, decimal, 0, kNeighbourOptions},
                                  {"icmpv6.opt.length", "Length in 8 bytes", 1, 1}};
  while (!fields.full()) {
    const auto head = fields.number(at, 2);
    const size_t size = head ? static_cast<size_t>(*head & 0xffU) * 8 : 0;
    if (size == 0) return;
    fields.rows(kRows, at);
    neighbour_option(fields, static_cast<size_t>(*head >> 8), at, size);
    at += size;
  }
}

void router_advertisement(Fields& fields) {
  static constexpr Row kRows[] = {
      {"icmpv6.nd.ra.cur_hop_limit", "Hop limit", 4, 1},
      {"icmpv6.nd.ra.flag", "Flags", 5, 1, hex},
      {"icmpv6.nd.ra.flag.m", "Managed addresses", 5, 1, decimal, 0x80},
      {"icmpv6.nd.ra.flag.o", "Other configuration", 5, 1, decimal, 0x40},
      {"icmpv6.nd.ra.flag.prf", "Preference", 5, 1, decimal, 0x18},
      {"icmpv6.nd.ra.router_lifetime", "Router lifetime", 6, 2},
      {"icmpv6.nd.ra.reachable_time", "Reachable time (ms)", 8, 4},
      {"icmpv6.nd.ra.retrans_timer", "Retransmission timer (ms)", 12, 4},
  };
  fields.rows(kRows);
  neighbour_options(fields, 16);
}

/// Messages that begin with an address behind four bytes of flags.
void neighbour_message(Fields& fields, size_t type) {
  static constexpr Row kSolicited{"icmpv6.nd.ns.target_address", "Target", 8, 16, ipv6};
  static constexpr Row kAdvertised[] = {{"icmpv6.nd.na.flag", "Flags", 4, 4, hex},
                                        {"icmpv6.nd.na.flag.r", "Router", 4, 4, decimal, 0x80000000},
                                        {"icmpv6.nd.na.flag.s", "Solicited", 4, 4, decimal, 0x40000000},
                                        {"icmpv6.nd.na.flag.o", "Override", 4, 4, decimal, 0x20000000},
                                        {"icmpv6.nd.na.target_address", "Target", 8, 16, ipv6}};
  static constexpr Row kRedirected[] = {{"icmpv6.rd.na.target_address", "Target", 8, 16, ipv6},
                                        {"icmpv6.rd.na.destination_address", "Destination", 24, 16, ipv6}};
  if (type == 135) fields.row(kSolicited, 0);
  if (type == 136) fields.rows(kAdvertised);
  if (type == 137) fields.rows(kRedirected);
  neighbour_options(fields, type == 137 ? 40 : 24);
}

/// RFC 3810, section 5.2.
void listener_report(Fields& fields) {
  static constexpr Row kCount{"icmpv6.mldr.nb_mcast_records", "Records", 6, 2};
  static constexpr Row kRecord[] = {{"icmpv6.mldr.mar.record_type", "Record type", 0, 1},
                                    {"icmpv6.mldr.mar.aux_data_len", "Auxiliary data length", 1, 1},
                                    {"icmpv6.mldr.mar.nb_sources", "Sources", 2, 2},
                                    {"icmpv6.mldr.mar.multicast_address", "Multicast address", 4, 16, ipv6}};
  fields.row(kCount, 0);
  size_t at = 8;
  for (size_t left = fields.number_or_0(6, 2); left != 0 && !fields.full(); --left) {
    const auto head = fields.number(at, 4);
    if (!head) return;
    fields.rows(kRecord, at);
    at += 20 + static_cast<size_t>(*head & 0xffffU) * 16 + static_cast<size_t>(*head >> 16 & 0xffU) * 4;
  }
}

void icmpv6_fields(Fields& fields) {
  static constexpr Row kType{"icmpv6.type", "Type", 0, 1, decimal, 0, kIcmpv6Types};
  static constexpr Row kChecksum{"icmpv6.checksum", "Checksum", 2, 2, hex};
  static constexpr Row kEcho[] = {{"icmpv6.echo.identifier", "Identifier", 4, 2, hex},
                                  {"icmpv6.echo.sequence_number", "Sequence number", 6, 2}};
  static constexpr Row kMtu{"icmpv6.mtu", "MTU", 4, 4};
  static constexpr Row kPointer{"icmpv6.pointer", "Pointer", 4, 4};
  static constexpr Row kListener[] = {{"icmpv6.mld.maximum_response_delay", "Longest delay (ms)", 4, 2},
                                      {"icmpv6.mld.multicast_address", "Multicast address", 8, 16, ipv6}};
  const size_t type = fields.number_or_0(0, 1);
  fields.row(kType, 0);
  fields.row(code_row("icmpv6.code", type == 1   ? Meanings(kUnreachable6)
                                     : type == 3 ? Meanings(kExceeded)
                                                 : Meanings{}),
             0);
  fields.row(kChecksum, 0);
  switch (type) {
    case 2: return fields.row(kMtu, 0);
    case 4: return fields.row(kPointer, 0);
    case 128:
    case 129: return fields.rows(kEcho);
    case 130:
    case 131:
    case 132: return fields.rows(kListener);
    case 133: return neighbour_options(fields, 8);
    case 134: return router_advertisement(fields);
    case 135:
    case 136:
    case 137: return neighbour_message(fields, type);
    case 143: return listener_report(fields);
    default: return;
  }
}

constexpr Meaning kIgmpTypes[] = {{0x11, "membership query"},
                                  {0x12, "membership report, version 1"},
                                  {0x16, "membership report, version 2"},
                                  {0x17, "leave group"},
                                  {0x22, "membership report, version 3"}};

void igmp_fields(Fields& fields) {
  static constexpr Row kType{"igmp.type", "Type", 0, 1, hex, 0, kIgmpTypes};
  static constexpr Row kResponse{"igmp.max_resp", "Longest delay (0.1 s)", 1, 1};
  static constexpr Row kChecksum{"igmp.checksum", "Checksum", 2, 2, hex};
  static constexpr Row kGroup{"igmp.maddr", "Multicast address", 4, 4, ipv4};
  static constexpr Row kCount{"igmp.num_grp_recs", "Records", 6, 2};
  static constexpr Row kRecord[] = {{"igmp.record_type", "Record type", 0, 1},
                                    {"igmp.aux_data_len", "Auxiliary data length", 1, 1},
                                    {"igmp.num_src", "Sources", 2, 2},
                                    {"igmp.maddr", "Multicast address", 4, 4, ipv4}};
  const size_t type = fields.number_or_0(0, 1);
  fields.row(kType, 0);
  // In the first version the byte is reserved.
  if (fields.number_or_0(1, 1) != 0 && (type == 0x11 || type == 0x16 || type == 0x17))
    fields.row(kResponse, 0);
  fields.row(kChecksum, 0);
  if (type != 0x22) return fields.row(kGroup, 0);
  fields.row(kCount, 0);
  size_t at = 8;
  for (size_t left = fields.number_or_0(6, 2); left != 0 && !fields.full(); --left) {
    const auto head = fields.number(at, 4);
    if (!head) return;
    fields.rows(kRecord, at);
    at += 8 + static_cast<size_t>(*head & 0xffffU) * 4 + static_cast<size_t>(*head >> 16 & 0xffU) * 4;
  }
}

constexpr Description kDescriptions[] = {
    {"icmp", "Internet Control Message Protocol", {}, icmp_fields},
    {"icmpv6", "Internet Control Message Protocol version 6", {}, icmpv6_fields},
    {"igmp", "Internet Group Management Protocol", {}, igmp_fields},
};

}  // namespace

Descriptions control_descriptions() { return kDescriptions; }

}  // namespace wl::packet
