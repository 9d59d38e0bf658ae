// Transports: TCP with its options, UDP, SCTP with its chunks, DCCP.
#include <algorithm>

#include "libcommon/packet/detail_fields.h"

namespace wl::packet {
namespace {

using enum Format;

constexpr Row kTcpRows[] = {
    {"tcp.srcport", "Source port", 0, 2},
    {"tcp.dstport", "Destination port", 2, 2},
    {"tcp.seq_raw", "Sequence number", 4, 4},
    {"tcp.ack_raw", "Acknowledgement number", 8, 4},
    {"tcp.hdr_len", "Header length", 12, 1, decimal, 0xf0, {}, 4},
    {"tcp.flags", "Flags", 12, 2, hex, 0x0fff},
    {"tcp.flags.res", "Reserved", 12, 1, decimal, 0x0e},
    {"tcp.flags.ae", "Accurate ECN", 12, 1, decimal, 0x01},
    {"tcp.flags.cwr", "Congestion window reduced", 13, 1, decimal, 0x80},
    {"tcp.flags.ece", "ECN echo", 13, 1, decimal, 0x40},
    {"tcp.flags.urg", "Urgent", 13, 1, decimal, 0x20},
    {"tcp.flags.ack", "Acknowledgement", 13, 1, decimal, 0x10},
    {"tcp.flags.push", "Push", 13, 1, decimal, 0x08},
    {"tcp.flags.reset", "Reset", 13, 1, decimal, 0x04},
    {"tcp.flags.syn", "Synchronise", 13, 1, decimal, 0x02},
    {"tcp.flags.fin", "Finish", 13, 1, decimal, 0x01},
    {"tcp.window_size_value", "Window", 14, 2},
    {"tcp.checksum", "Checksum", 16, 2, hex},
    {"tcp.urgent_pointer", "Urgent pointer", 18, 2},
};

// "TCP Option Kind Numbers" of IANA.
constexpr size_t kMss = 2;
constexpr size_t kWindowScale = 3;
constexpr size_t kSack = 5;
constexpr size_t kTimestamps = 8;
constexpr Meaning kTcpOptions[] = {{0, "end"},
                                   {1, "no operation"},
                                   {kMss, "maximum segment size"},
                                   {kWindowScale, "window scale"},
                                   {4, "SACK permitted"},
                                   {kSack, "SACK"},
                                   {kTimestamps, "timestamps"},
                                   {19, "MD5 signature"},
                                   {28, "user timeout"},
                                   {29, "authentication"},
                                   {30, "multipath TCP"},
                                   {34, "fast open cookie"}};

void tcp_option(Fields& fields, size_t kind, size_t at, size_t size) {
  static constexpr Row kSegmentSize{"tcp.options.mss_val", "Maximum segment size", 2, 2};
  static constexpr Row kShift{"tcp.options.wscale.shift", "Window shift", 2, 1};
  static constexpr Row kStamps[] = {{"tcp.options.timestamp.tsval", "Timestamp", 2, 4},
                                    {"tcp.options.timestamp.tsecr", "Timestamp echo", 6, 4}};
  static constexpr Row kBlock[] = {{"tcp.options.sack_le", "SACK from", 0, 4},
                                   {"tcp.options.sack_re", "SACK to", 4, 4}};
  if (kind == kMss && size == 4) fields.row(kSegmentSize, at);
  if (kind == kWindowScale && size == 3) fields.row(kShift, at);
  if (kind == kTimestamps && size == 10) fields.rows(kStamps, at);
  if (kind != kSack) return;
  for (size_t block = at + 2; block + 8 <= at + size; block += 8) fields.rows(kBlock, block);
}

void tcp_options(Fields& fields) {
  static constexpr Row kKind{"tcp.option_kind", "Option", 0, 1, decimal, 0, kTcpOptions};
  static constexpr Row kLength{"tcp.option_len", "Option length", 1, 1};
  const size_t end = (fields.number_or_0(12, 1) >> 4) * 4;
  fields.set_length(std::max<size_t>(end, 20));
  for (size_t at = 20; at < end && !fields.full();) {
    const auto kind = fields.number(at, 1);
    if (!kind) return;
    const bool alone = *kind <= 1;
    const size_t size = alone ? 1 : fields.number_or_0(at + 1, 1);
    if (size < (alone ? 1 : 2) || at + size > end) return;
    fields.row(kKind, at);
    if (!alone) fields.row(kLength, at);
    tcp_option(fields, static_cast<size_t>(*kind), at, size);
    if (*kind == 0) return;
    at += size;
  }
}

constexpr Row kUdpRows[] = {
    {"udp.srcport", "Source port", 0, 2},
    {"udp.dstport", "Destination port", 2, 2},
    {"udp.length", "Length", 4, 2},
    {"udp.checksum", "Checksum", 6, 2, hex},
};
constexpr Row kUdpLiteRows[] = {
    {"udp.srcport", "Source port", 0, 2},
    {"udp.dstport", "Destination port", 2, 2},
    {"udp.checksum_coverage", "Checksum coverage", 4, 2},
    {"udp.checksum", "Checksum", 6, 2, hex},
};
void udp_length(Fields& fields) { fields.set_length(8); }

// "SCTP Chunk Types" of IANA.
constexpr Meaning kChunks[] = {{0, "DATA"},
                               {1, "INIT"},
                               {2, "INIT ACK"},
                               {3, "SACK"},
                               {4, "HEARTBEAT"},
                               {5, "HEARTBEAT ACK"},
                               {6, "ABORT"},
                               {7, "SHUTDOWN"},
                               {8, "SHUTDOWN ACK"},
                               {9, "ERROR"},
                               {10, "COOKIE ECHO"},
                               {11, "COOKIE ACK"},
                               {14, "SHUTDOWN COMPLETE"},
                               {64, "I-DATA"},
                               {128, "ASCONF ACK"},
                               {130, "RE-CONFIG"},
                               {132, "PAD"},
                               {192, "FORWARD TSN"},
                               {193, "ASCONF"}};

void sctp_chunk(Fields& fields, size_t type, size_t at) {
  static constexpr Row kData[] = {{"sctp.data_e_bit", "End of the message", 1, 1, decimal, 0x01},
                                  {"sctp.data_b_bit", "Beginning of the message", 1, 1, decimal, 0x02},
                                  {"sctp.data_tsn_raw", "Transmission sequence number", 4, 4},
                                  {"sctp.data_sid", "Stream", 8, 2, hex},
                                  {"sctp.data_ssn", "Stream sequence number", 10, 2},
                                  {"sctp.data_payload_proto_id", "Payload protocol", 12, 4}};
  static constexpr Row kInit[] = {{"sctp.init_initiate_tag", "Initiate tag", 4, 4, hex},
                                  {"sctp.init_credit", "Receiver window", 8, 4},
                                  {"sctp.init_nr_out_streams", "Outbound streams", 12, 2},
                                  {"sctp.init_nr_in_streams", "Inbound streams", 14, 2},
                                  {"sctp.init_initial_tsn", "First sequence number", 16, 4}};
  static constexpr Row kInitAck[] = {{"sctp.initack_initiate_tag", "Initiate tag", 4, 4, hex},
                                     {"sctp.initack_credit", "Receiver window", 8, 4},
                                     {"sctp.initack_nr_out_streams", "Outbound streams", 12, 2},
                                     {"sctp.initack_nr_in_streams", "Inbound streams", 14, 2},
                                     {"sctp.initack_initial_tsn", "First sequence number", 16, 4}};
  static constexpr Row kSackRows[] = {{"sctp.sack_cumulative_tsn_ack_raw", "Acknowledged up to", 4, 4},
                                      {"sctp.sack_a_rwnd", "Receiver window", 8, 4},
                                      {"sctp.sack_number_of_gap_blocks", "Gap blocks", 12, 2},
                                      {"sctp.sack_number_of_duplicated_tsns", "Duplicates", 14, 2}};
  switch (type) {
    case 0: return fields.rows(kData, at);
    case 1: return fields.rows(kInit, at);
    case 2: return fields.rows(kInitAck, at);
    case 3: return fields.rows(kSackRows, at);
    default: return;
  }
}

void sctp_fields(Fields& fields) {
  static constexpr Row kRows[] = {{"sctp.srcport", "Source port", 0, 2},
                                  {"sctp.dstport", "Destination port", 2, 2},
                                  {"sctp.verification_tag", "Verification tag", 4, 4, hex},
                                  {"sctp.checksum", "Checksum", 8, 4, hex}};
  static constexpr Row kChunk[] = {{"sctp.chunk_type", "Chunk", 0, 1, decimal, 0, kChunks},
                                   {"sctp.chunk_flags", "Flags", 1, 1, hex},
                                   {"sctp.chunk_length", "Length", 2, 2}};
  fields.rows(kRows);
  for (size_t at = 12; !fields.full();) {
    const auto head = fields.number(at, 4);
    if (!head) return;
    fields.rows(kChunk, at);
    const auto size = static_cast<size_t>(*head & 0xffffU);
    if (size < 4) return;
    sctp_chunk(fields, static_cast<size_t>(*head >> 24), at);
    at += (size + 3) / 4 * 4;  // padded (RFC 9260, section 3.2)
  }
}

constexpr Meaning kDccpTypes[] = {{0, "Request"}, {1, "Response"}, {2, "Data"},  {3, "Ack"},
                                  {4, "DataAck"}, {5, "CloseReq"}, {6, "Close"}, {7, "Reset"},
                                  {8, "Sync"},    {9, "SyncAck"}};

void dccp_fields(Fields& fields) {
  static constexpr Row kRows[] = {{"dccp.srcport", "Source port", 0, 2},
                                  {"dccp.dstport", "Destination port", 2, 2},
                                  {"dccp.data_offset", "Data offset in 4 bytes", 4, 1},
                                  {"dccp.ccval", "Congestion control value", 5, 1, decimal, 0xf0},
                                  {"dccp.cscov", "Checksum coverage", 5, 1, decimal, 0x0f},
                                  {"dccp.checksum", "Checksum", 6, 2, hex},
                                  {"dccp.type", "Type", 8, 1, decimal, 0x1e, kDccpTypes},
                                  {"dccp.x", "Extended sequence numbers", 8, 1, decimal, 0x01}};
  static constexpr Row kLong{"dccp.seq_raw", "Sequence number", 10, 6};
  static constexpr Row kShort{"dccp.seq_raw", "Sequence number", 9, 3};
  fields.rows(kRows);
  fields.row((fields.number_or_0(8, 1) & 1U) != 0 ? kLong : kShort, 0);
  fields.set_length(fields.number_or_0(4, 1) * 4);
}

constexpr Description kDescriptions[] = {
    {"tcp", "Transmission Control Protocol", kTcpRows, tcp_options},
    {"udp", "User Datagram Protocol", kUdpRows, udp_length},
    {"udplite", "Lightweight User Datagram Protocol", kUdpLiteRows, udp_length},
    {"sctp", "Stream Control Transmission Protocol", {}, sctp_fields},
    {"dccp", "Datagram Congestion Control Protocol", {}, dccp_fields},
};

}  // namespace

Descriptions transport_descriptions() { return kDescriptions; }

}  // namespace wl::packet
