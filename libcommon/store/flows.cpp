#include "libcommon/store/flows.h"

#include <algorithm>

namespace wl::store {
namespace {

using record::Field;
using record::Packet;

constexpr uint8_t kSyn = 0x02, kAck = 0x10;

enum FlowColumn : uint8_t {
  kNumber,
  kInnerFlow,
  kReuse,
  kSrcIp,
  kDstIp,
  kSrcPort,
  kDstPort,
  kProto,
  kIpProto,
  kIpVersion,
  kFirst,
  kLast,
  kFirstN,
  kOut,  // packets, bytes, payload, tcp_flags; then the same of the other direction
  kIn = kOut + 4,
  kApp = kIn + 4,
  kAppPort,
  kName,
  kCommunityId,
};

uint64_t half(const record::Ip& ip, size_t at) {
  uint64_t word = 0;
  std::memcpy(&word, ip.bytes.data() + at, 8);
  return word;
}

std::string_view bytes_of(const record::Ip& ip) {
  const auto wire = ip.wire();
  return {reinterpret_cast<const char*>(wire.data()), wire.size()};
}

FlowKey key_of(const Packet& packet) {
  FlowKey key;
  const auto has = [&](Field field) { return packet.present.has(field); };
  if (has(Field::src_ip)) key.source = packet.src_ip;
  if (has(Field::dst_ip)) key.destination = packet.dst_ip;
  key.has_ports = has(Field::src_port) && has(Field::dst_port);
  if (key.has_ports) {
    key.source_port = packet.src_port;
    key.destination_port = packet.dst_port;
  }
  if (has(Field::ip_version)) key.ip_version = packet.ip_version;
  if (has(Field::ip_proto)) key.ip_proto = packet.ip_proto;
  if (has(Field::proto)) key.proto = packet.proto;
  return key;
}

bool same_source(const FlowKey& a, const FlowKey& b) {
  return a.source_port == b.source_port && a.source == b.source;
}

void turn(FlowKey& key) {
  std::swap(key.source, key.destination);
  std::swap(key.source_port, key.destination_port);
}

/// A SYN that is not the one that the direction began with: the ports are used again.
bool begins_anew(const Packet& packet, const FlowSums& side) {
  return packet.present.has(Field::tcp_flags) && (packet.tcp_flags & (kSyn | kAck)) == kSyn && side.begun &&
         packet.tcp_seq != side.first_sequence;
}

/// Whether the packet's sender is the one that is asked.
bool comes_from_service(const Packet& packet, const base::Services& services) {
  if (!packet.present.has(Field::dst_port) || packet.src_port == packet.dst_port) return false;
  const bool tcp = packet.proto == "tcp";
  const unsigned flags = packet.present.has(Field::tcp_flags) ? packet.tcp_flags : 0U;
  const uint16_t service =
      services.service_port(tcp, packet.src_port, packet.dst_port, (flags & kSyn) != 0, (flags & kAck) != 0);
  return service == packet.src_port;
}

template <class Text>
void note(Text& kept, const Packet& packet, Field field, std::string_view text) {
  if (kept.empty() && packet.present.has(field)) kept = text;
}

}  // namespace

std::vector<Column> flow_columns() {
  using enum ColumnType;
  return {{"flow", u32},         {"inner", boolean},   {"reuse", u32},      {"src_ip", blob},
          {"dst_ip", blob},      {"src_port", u16},    {"dst_port", u16},   {"proto", token},
          {"ip_proto", u8},      {"ip_version", u8},   {"first", time},     {"last", time},
          {"first_n", u64},      {"out_packets", u64}, {"out_bytes", u64},  {"out_payload", u64},
          {"out_tcp_flags", u8}, {"in_packets", u64},  {"in_bytes", u64},   {"in_payload", u64},
          {"in_tcp_flags", u8},  {"app", token},       {"app_port", token}, {"name", text},
          {"community_id", text}};
}

FlowTable::FlowTable(const base::Services& services) : services_(services), batch_(flow_columns()) {
  flows_.reserve(kMaxFlows);  // memory that is not touched costs nothing; to grow would move them all
}

base::Hash FlowTable::hash(const FlowKey& key) const {
  const auto end = [&](const record::Ip& ip, uint16_t port) {
    return hasher_.mix({port, ip.version}, half(ip, 0), half(ip, 8));
  };
  const base::Hash ends = end(key.source, key.source_port) + end(key.destination, key.destination_port);
  const uint64_t flags = (key.has_ports ? 1U : 0U) | (key.inner ? 2U : 0U);
  const uint64_t numbers =
      static_cast<uint64_t>(key.ip_version + 1) << 32 | static_cast<uint64_t>(key.ip_proto + 1) << 8 | flags;
  const base::Hash proto = hasher_.text(key.proto, numbers);
  return base::Hasher::finished(hasher_.mix(ends, proto.a, proto.b));
}

FlowTable::Found FlowTable::find(const Packet& packet) const {
  const FlowKey key = key_of(packet);
  const Found found{key, hash(key)};
  index_.prefetch(found.id);
  return found;
}

FlowTable::Flow& FlowTable::flow_of(const Found& found, const Packet& packet) {
  if (const Entry* const known = index_.find(found.id)) return flows_[known->index];
  if (flows_.size() == kMaxFlows) make_room();
  index_.insert({found.id, static_cast<uint32_t>(flows_.size())});
  flows_.emplace_back();
  begin(flows_.back(), found.key, packet);
  return flows_.back();
}

void FlowTable::begin(Flow& flow, const FlowKey& key, const Packet& packet) {
  flow.key = key;
  flow.number = next_number_++;
  flow.first_n = packet.n;
  if (key.inner) return;
  flow.community_id = community_id_.text(packet, scratch_);
  scratch_.reset();
  if (comes_from_service(packet, services_)) turn(flow.key);
}

FlowRef FlowTable::add(const Found& found, const Packet& packet) {
  const FlowKey& key = found.key;
  if (key.source.version == 0 && key.destination.version == 0 && key.proto.empty()) return {};
  Flow& flow = flow_of(found, packet);
  if (begins_anew(packet, same_source(key, flow.key) ? flow.out : flow.in)) {
    write(flow);
    const uint32_t reuse = flow.reuse + 1;
    flow = Flow{};
    flow.reuse = reuse;
    begin(flow, key, packet);
  }
  const bool reverse = !same_source(key, flow.key);
  count(flow, reverse, packet);
  return {flow.number, true, reverse};
}

FlowRef FlowTable::add_inner(const Packet& packet) {
  FlowKey key;
  key.inner = true;
  const auto has = [&](Field field) { return packet.present.has(field); };
  if (has(Field::inner_src_ip)) key.source = packet.inner_src_ip;
  if (has(Field::inner_dst_ip)) key.destination = packet.inner_dst_ip;
  key.has_ports = has(Field::inner_src_port) && has(Field::inner_dst_port);
  if (key.has_ports) {
    key.source_port = packet.inner_src_port;
    key.destination_port = packet.inner_dst_port;
  }
  if (has(Field::inner_proto)) key.proto = packet.inner_proto;
  if (key.source.version == 0 && key.destination.version == 0 && key.proto.empty()) return {};
  Flow& flow = flow_of({key, hash(key)}, packet);
  flow.last_packet = ++packets_;
  return {flow.number, true, !same_source(key, flow.key)};
}

void FlowTable::count(Flow& flow, bool reverse, const Packet& packet) {
  flow.last_packet = ++packets_;
  FlowSums& side = reverse ? flow.in : flow.out;
  ++side.packets;
  side.bytes += packet.len;
  if (packet.present.has(Field::payload_len)) side.payload += packet.payload_len;
  if (packet.present.has(Field::tcp_flags)) {
    side.tcp_flags |= packet.tcp_flags;
    // As Wireshark numbers from: a SYN's own number, else the one before.
    if (!side.begun) side.first_sequence = packet.tcp_seq - ((packet.tcp_flags & kSyn) != 0 ? 0U : 1U);
    side.begun = true;
  }
  if (packet.has_time) {
    flow.first_ns = flow.timed ? std::min(flow.first_ns, packet.time_ns) : packet.time_ns;
    flow.last_ns = flow.timed ? std::max(flow.last_ns, packet.time_ns) : packet.time_ns;
    flow.timed = true;
  }
  note(flow.app, packet, Field::app, packet.app);
  note(flow.app_port, packet, Field::app_port, packet.app_port);
  note(flow.name, packet, Field::name, packet.name);
}

void FlowTable::make_room() {
  std::vector<uint64_t> ages;
  ages.reserve(flows_.size());
  for (const Flow& flow : flows_) ages.push_back(flow.last_packet);
  const auto middle = ages.begin() + static_cast<std::ptrdiff_t>(ages.size() / 2);
  std::ranges::nth_element(ages, middle);
  const uint64_t oldest_kept = *middle;
  std::vector<Flow> kept;
  kept.reserve(kMaxFlows);
  index_.clear();
  for (Flow& flow : flows_) {
    if (flow.last_packet < oldest_kept) {
      write(flow);
      continue;
    }
    index_.insert({hash(flow.key), static_cast<uint32_t>(kept.size())});
    kept.push_back(std::move(flow));
  }
  flows_ = std::move(kept);
}

void FlowTable::finish() {
  for (const Flow& flow : flows_) write(flow);
  flows_.clear();
  index_.clear();
}

void FlowTable::write(const Flow& flow) {
  const FlowKey& key = flow.key;
  batch_.set(kNumber, flow.number);
  batch_.set(kInnerFlow, key.inner);
  batch_.set(kReuse, flow.reuse);
  if (key.source.version != 0) batch_.set_text(kSrcIp, bytes_of(key.source));
  if (key.destination.version != 0) batch_.set_text(kDstIp, bytes_of(key.destination));
  if (key.has_ports) {
    batch_.set(kSrcPort, key.source_port);
    batch_.set(kDstPort, key.destination_port);
  }
  if (!key.proto.empty()) batch_.set_token(kProto, key.proto);
  if (key.ip_proto >= 0) batch_.set(kIpProto, static_cast<uint8_t>(key.ip_proto));
  if (key.ip_version >= 0) batch_.set(kIpVersion, static_cast<uint8_t>(key.ip_version));
  if (flow.timed) {
    batch_.set(kFirst, flow.first_ns);
    batch_.set(kLast, flow.last_ns);
  }
  batch_.set(kFirstN, flow.first_n);
  write_side(kOut, flow.out);
  write_side(kIn, flow.in);
  if (!flow.app.empty()) batch_.set_token(kApp, flow.app);
  if (!flow.app_port.empty()) batch_.set_token(kAppPort, flow.app_port);
  if (!flow.name.empty()) batch_.set_text(kName, flow.name);
  if (!flow.community_id.empty()) batch_.set_text(kCommunityId, flow.community_id);
  batch_.end_row();
}

void FlowTable::write_side(size_t column, const FlowSums& sums) {
  batch_.set(column, sums.packets);
  batch_.set(column + 1, sums.bytes);
  batch_.set(column + 2, sums.payload);
  if (sums.begun) batch_.set(column + 3, sums.tcp_flags);
}

}  // namespace wl::store
