#include "libcommon/packet/decoder.h"

#include "libcommon/ndjson/text.h"
#include "libcommon/packet/dispatch.h"
#include "libcommon/packet/info.h"

namespace wl::packet {
namespace {

using record::Field;
using record::FieldSet;

/// What describes a flow: put aside when an inner flow begins.
const FieldSet& flow_fields() {
  static const FieldSet kFields =
      FieldSet{Field::src_ip,    Field::dst_ip,    Field::proto,       Field::src_port,
               Field::dst_port,  Field::tcp_flags, Field::payload_len, Field::icmp_type,
               Field::icmp_code, Field::arp_op,    Field::payload} |
      record::group_fields(record::Group::ip) | record::group_fields(record::Group::tcp);
  return kFields;
}

/// What describes the frame that carries a flow: put aside when a whole frame begins inside a tunnel.
constexpr FieldSet frame_fields() {
  return {Field::eth_src,    Field::eth_dst,    Field::eth_type,     Field::vlan,
          Field::vlan_inner, Field::mpls_label, Field::pppoe_session};
}

/// The depth that a field costs; everything not named here needs the network layer only.
Depth depth_for(const FieldSet& wanted) {
  const FieldSet application = record::group_fields(record::Group::app) |
                               record::group_fields(record::Group::tunnel) |
                               FieldSet{Field::layers, Field::truncated_at, Field::malformed_at, Field::info};
  const FieldSet transport =
      record::group_fields(record::Group::tcp) |
      FieldSet{Field::src_port,  Field::dst_port,  Field::tcp_flags,    Field::payload_len,
               Field::icmp_type, Field::icmp_code, Field::community_id, Field::payload};
  if (wanted.intersects(application)) return Depth::application;
  return wanted.intersects(transport) ? Depth::transport : Depth::network;
}

void note_inner_flow(record::Packet& packet) {
  if (packet.present.has(Field::src_ip)) packet.set_inner_src_ip(packet.src_ip);
  if (packet.present.has(Field::dst_ip)) packet.set_inner_dst_ip(packet.dst_ip);
  if (packet.present.has(Field::proto)) packet.set_inner_proto(packet.proto);
  if (packet.present.has(Field::src_port)) packet.set_inner_src_port(packet.src_port);
  if (packet.present.has(Field::dst_port)) packet.set_inner_dst_port(packet.dst_port);
}

void restore_outer_flow(const record::Packet& outer, record::Packet& packet) {
  const FieldSet restored = flow_fields() | frame_fields();
  (outer.present & restored).each([&](Field field) { record::copy_field(field, outer, packet); });
  packet.present = (packet.present - restored) | (outer.present & restored);
}

}  // namespace

Next Context::malformed() {
  if (!out.present.has(Field::malformed_at)) out.set_malformed_at(innermost_layer());
  return {};
}

Next Context::cut() {
  if (!out.present.has(Field::truncated_at)) out.set_truncated_at(innermost_layer());
  return {};
}

void Context::begin_flow() {
  if (flow_begun) {
    if (!nested) outer = out;
    if (!nested && !tunnel_entered.empty()) out.set_tunnel(tunnel_entered);
    nested = true;
    out.present = out.present - flow_fields();
  }
  flow_begun = true;
}

void Context::begin_frame() {
  if (!flow_begun) return;
  begin_flow();
  out.present = out.present - frame_fields();
}

Decoder::Decoder(const Options& options)
    : options_(options),
      depth_(options.decap ? Depth::application : depth_for(options.wanted)),
      outer_(std::make_unique<record::Packet>()) {}

void Decoder::decode(std::span<const uint8_t> bytes, uint32_t length, uint16_t link_type,
                     record::Packet& packet) {
  packet.present.clear();
  scratch_.reset();
  layers_.count = 0;
  packet.set_len(length);
  packet.set_caplen(static_cast<uint32_t>(bytes.size()));
  if (link_type != link_type_) look_up(link_type);
  packet.set_link(link_.name);
  Context context(packet, *outer_, layers_, scratch_, heads_, depth_);
  const Protocol* protocol = link_.protocol;
  ByteReader rest(bytes, length);
  while (protocol != nullptr && !context.too_deep()) {
    context.push_layer(*protocol, rest);
    const Next next = protocol->decode(rest, context);
    protocol = next.protocol;
    rest = next.bytes;
  }
  finish(context, bytes.size() < length);
}

void Decoder::look_up(uint16_t link_type) {
  link_type_ = link_type;
  link_ = by_link_type(link_type);
  if (!link_.name.empty()) return;
  link_number_ = std::to_string(link_type);
  link_.name = link_number_;
}

void Decoder::finish(Context& context, bool cut) {
  record::Packet& packet = context.out;
  if (cut && layers_.count != 0) context.cut();
  if (context.nested) {
    note_inner_flow(packet);
    if (!options_.decap) restore_outer_flow(context.outer, packet);
  }
  if (options_.wanted.has(Field::app_port) && !packet.present.has(Field::app)) note_service(packet);
  if (options_.local != nullptr) note_direction(packet);
  if (options_.wanted.has(Field::layers)) note_layers(packet);
  if (options_.wanted.has(Field::community_id)) note_community_id(packet);
  if (options_.wanted.has(Field::info)) packet.set_info(info_text(packet, scratch_));
}

void Decoder::note_service(record::Packet& packet) const {
  if (options_.services == nullptr || !packet.present.has(Field::dst_port)) return;
  const bool is_tcp = packet.proto == "tcp";
  const unsigned flags = is_tcp && packet.present.has(Field::tcp_flags) ? packet.tcp_flags : 0U;
  const uint16_t port = options_.services->service_port(is_tcp, packet.src_port, packet.dst_port,
                                                        (flags & 0x02U) != 0, (flags & 0x10U) != 0);
  const std::string_view name = options_.services->name(is_tcp, port);
  if (!name.empty()) packet.set_app_port(name);
}

void Decoder::note_direction(record::Packet& packet) const {
  if (!packet.present.has(Field::src_ip)) return;
  if (options_.local->contains(packet.dst_ip)) {
    packet.set_dir("in");
  } else if (options_.local->contains(packet.src_ip)) {
    packet.set_dir("out");
  }
}

void Decoder::note_community_id(record::Packet& packet) {
  const std::string_view text = community_id_.text(packet, scratch_);
  if (!text.empty()) packet.set_community_id(text);
}

void Decoder::note_layers(record::Packet& packet) {
  size_t size = 0;
  for (const Layer& layer : layers()) size += layer.protocol->name.size() + 1;
  const auto room = scratch_.take(size);
  if (room.empty()) return;
  char* out = room.data();
  for (const Layer& layer : layers()) {
    out = ndjson::put(out, layer.protocol->name);
    *out++ = ':';
  }
  packet.set_layers({room.data(), static_cast<size_t>(out - room.data()) - 1});
}

}  // namespace wl::packet
