#include "libcommon/store/tables.h"

#include <tuple>
#include <utility>

#include "libcommon/base/time.h"
#include "libcommon/base/utf8.h"
#include "libcommon/store/flows.h"

namespace wl::store {
namespace {

using record::Field;
using record::FieldSet;
using record::Form;
using record::Packet;

constexpr FieldSet kFlowFields{Field::src_ip,   Field::dst_ip,   Field::proto,     Field::src_port,
                               Field::dst_port, Field::ip_proto, Field::ip_version};
constexpr FieldSet kInnerFields{Field::inner_src_ip, Field::inner_dst_ip, Field::inner_proto,
                                Field::inner_src_port, Field::inner_dst_port};
/// Not stored: the file's own name, what depends on who looks, and what is made of the bytes.
constexpr FieldSet kUnstored{Field::file_id, Field::at_file, Field::dir,         Field::iface,
                             Field::info,    Field::payload, Field::community_id};

/// A field with its member: what is looked at in every packet is listed like this, so that the compiler
/// unrolls it.
template <class Value>
struct Member {
  Field field;
  Value record::Packet::* value;
};

template <class Members, class Visit>
constexpr void each_of(const Members& members, const Visit& visit) {
  std::apply([&](const auto&... member) { (visit(member), ...); }, members);
}

template <class Members>
constexpr size_t size_of(const Members& members) {
  size_t size = 0;
  each_of(members, [&](const auto& member) { size += sizeof(std::declval<Packet>().*member.value); });
  return size;
}

template <class Members>
constexpr FieldSet set_of(const Members& members) {
  FieldSet fields;
  each_of(members, [&](const auto& member) { fields.add(member.field); });
  return fields;
}

/// What makes the kind of a packet, beside its interface; `link` is that of the interface.
constexpr std::tuple kKindNumbers{Member{Field::eth_src, &Packet::eth_src},
                                  Member{Field::eth_dst, &Packet::eth_dst},
                                  Member{Field::eth_type, &Packet::eth_type},
                                  Member{Field::vlan, &Packet::vlan},
                                  Member{Field::vlan_inner, &Packet::vlan_inner},
                                  Member{Field::mpls_label, &Packet::mpls_label},
                                  Member{Field::pppoe_session, &Packet::pppoe_session},
                                  Member{Field::ttl, &Packet::ttl},
                                  Member{Field::dscp, &Packet::dscp},
                                  Member{Field::arp_op, &Packet::arp_op},
                                  Member{Field::icmp_type, &Packet::icmp_type},
                                  Member{Field::icmp_code, &Packet::icmp_code}};
constexpr std::tuple kKindTokens{Member{Field::layers, &Packet::layers},
                                 Member{Field::tunnel, &Packet::tunnel}, Member{Field::app, &Packet::app},
                                 Member{Field::app_port, &Packet::app_port}};
constexpr FieldSet kKindFields = set_of(kKindNumbers) | set_of(kKindTokens) | FieldSet{Field::link};

ColumnType type_of(Form form) {
  switch (form) {
    case Form::u8:
    case Form::tcp_flags: return ColumnType::u8;
    case Form::u16: return ColumnType::u16;
    case Form::u32: return ColumnType::u32;
    case Form::boolean: return ColumnType::boolean;
    case Form::ip:
    case Form::base64: return ColumnType::blob;
    case Form::text_list: return ColumnType::text_list;
    case Form::text: return ColumnType::text;
    case Form::token: return ColumnType::token;
    default: return ColumnType::u64;  // mac too
  }
}

FieldSet having(Home home) {
  FieldSet fields;
  for (size_t i = 0; i < record::kFieldCount; ++i)
    if (home_of(static_cast<Field>(i)) == home) fields.add(static_cast<Field>(i));
  return fields;
}

const char* member_of(const record::Packet& packet, Field field) {
  return reinterpret_cast<const char*>(&packet) + record::info(field).offset;
}

template <class Number>
Number read(const char* member) {
  Number number;
  std::memcpy(&number, member, sizeof(number));
  return number;
}

uint64_t word_at(const uint8_t* bytes) {
  uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

uint64_t mac_number(const char* member) {
  uint64_t number = 0;
  for (const uint8_t byte : *reinterpret_cast<const record::Mac*>(member)) number = number << 8 | byte;
  return number;
}

void put_field(Batch& batch, size_t column, Field field, const record::Packet& packet) {
  const char* const member = member_of(packet, field);
  switch (record::info(field).form) {
    case Form::u8:
    case Form::tcp_flags:
    case Form::boolean: return batch.set(column, read<uint8_t>(member));
    case Form::u16: return batch.set(column, read<uint16_t>(member));
    case Form::u32: return batch.set(column, read<uint32_t>(member));
    case Form::u64: return batch.set(column, read<uint64_t>(member));
    case Form::token: return batch.set_token(column, *reinterpret_cast<const std::string_view*>(member));
    case Form::text: return batch.set_text(column, *reinterpret_cast<const std::string_view*>(member));
    case Form::text_list: return batch.set_list(column, *reinterpret_cast<const record::TextList*>(member));
    case Form::mac: return batch.set(column, mac_number(member));
    case Form::ip:
    case Form::base64: return;  // flows have addresses; payload is not stored
  }
}

/// In front of the fields in `packets`.
enum PacketColumn : uint8_t { kTs, kFlow, kReverse, kInner, kInnerReverse, kKind, kCaplen };

enum KindColumn : uint8_t { kNumber, kInterface };

enum EventColumn : uint8_t { kEventN, kEventTs, kEventFlow };

enum TimelineColumn : uint8_t { kSecond, kPackets, kBytes };

}  // namespace

Home home_of(Field field) {
  if (kUnstored.has(field)) return Home::none;
  if (kFlowFields.has(field)) return Home::flows;
  if (kInnerFields.has(field)) return Home::inner;
  if (kKindFields.has(field)) return Home::kinds;
  return record::info(field).group == record::Group::app ? Home::events : Home::packets;
}

const FieldSet& fields_of(Home home) {
  static const std::array<FieldSet, 6> kSets{having(Home::none),  having(Home::packets),
                                             having(Home::kinds), having(Home::flows),
                                             having(Home::inner), having(Home::events)};
  return kSets[static_cast<size_t>(home)];
}

FieldSet stored_fields() {
  return fields_of(Home::packets) | fields_of(Home::kinds) | fields_of(Home::flows) | fields_of(Home::inner) |
         fields_of(Home::events);
}

FieldColumns::FieldColumns(std::vector<Column> first, const FieldSet& fields)
    : fields_(fields), columns_(std::move(first)) {
  fields.each([&](Field field) {
    places_[static_cast<size_t>(field)] = static_cast<uint8_t>(columns_.size());
    columns_.push_back({std::string(record::info(field).key), type_of(record::info(field).form)});
  });
}

void FieldColumns::put(const record::Packet& packet, Batch& batch) const {
  (packet.present & fields_).each([&](Field field) {
    put_field(batch, places_[static_cast<size_t>(field)], field, packet);
  });
}

std::vector<Column> columns_of(Table table) {
  switch (table) {
    case Table::packets: return PacketRows().batch().columns();
    case Table::kinds: return KindRows().batch().columns();
    case Table::flows: return flow_columns();
    case Table::events: return EventRows().batch().columns();
    case Table::timeline: return TimelineRows().batch().columns();
    case Table::interfaces: return interface_rows({}).columns();
  }
  return {};
}

PacketRows::PacketRows()
    : fields_({{"ts", ColumnType::time},
               {"flow", ColumnType::u32},
               {"reverse", ColumnType::boolean},
               {"inner_flow", ColumnType::u32},
               {"inner_reverse", ColumnType::boolean},
               {"kind", ColumnType::u32},
               {"caplen", ColumnType::u32}},
              fields_of(Home::packets) - FieldSet{Field::caplen}),
      batch_(fields_.all()) {}

void PacketRows::add(const record::Packet& packet, uint32_t kind, const FlowRef& flow, const FlowRef& inner) {
  if (packet.has_time) batch_.set(kTs, packet.time_ns);
  if (flow.known) {
    batch_.set(kFlow, flow.flow);
    batch_.set(kReverse, flow.reverse);
  }
  if (inner.known) {
    batch_.set(kInner, inner.flow);
    batch_.set(kInnerReverse, inner.reverse);
  }
  batch_.set(kKind, kind);
  if (packet.caplen != packet.len) batch_.set(kCaplen, packet.caplen);
  fields_.put(packet, batch_);
  batch_.end_row();
}

KindRows::KindRows()
    : fields_({{"kind", ColumnType::u32}, {"interface", ColumnType::u32}}, fields_of(Home::kinds)),
      batch_(fields_.all()) {}

uint32_t KindRows::add(const base::Hash& kind, const record::Packet& packet, uint32_t interface) {
  if (const Known* const known = known_.find(kind)) return known->number;
  if (known_.size() == kMostKnown) known_.clear();
  known_.insert({kind, next_number_});
  batch_.set(kNumber, next_number_);
  batch_.set(kInterface, interface);
  fields_.put(packet, batch_);
  batch_.end_row();
  return next_number_++;
}

base::Hash KindRows::find(const record::Packet& packet, uint32_t interface) const {
  const FieldSet present = packet.present & kKindFields;
  std::array<uint8_t, 64> numbers{};  // side by side
  std::memcpy(numbers.data(), &present, sizeof present);
  std::memcpy(numbers.data() + sizeof present, &interface, sizeof interface);
  size_t place = sizeof present + sizeof interface;
  static_assert(sizeof present + sizeof interface + size_of(kKindNumbers) <= numbers.size());
  each_of(kKindNumbers, [&](const auto& member) {
    const auto& value = packet.*member.value;
    if (present.has(member.field)) std::memcpy(numbers.data() + place, &value, sizeof value);
    place += sizeof value;
  });
  base::Hash sum{};
  each_of(kKindTokens, [&](const auto& member) {
    if (present.has(member.field))
      sum = sum + hasher_.text(packet.*member.value, static_cast<uint64_t>(member.field));
  });
  for (size_t at = 0; at < numbers.size(); at += 16)
    sum = hasher_.mix(sum, word_at(numbers.data() + at), word_at(numbers.data() + at + 8));
  const base::Hash kind = base::Hasher::finished(sum);
  known_.prefetch(kind);
  return kind;
}

EventRows::EventRows()
    : fields_({{"n", ColumnType::u64}, {"ts", ColumnType::time}, {"flow", ColumnType::u32}},
              fields_of(Home::events)),
      batch_(fields_.all(), Batch::kRowGroup) {}

bool EventRows::wants(const record::Packet& packet) {
  return packet.present.intersects(fields_of(Home::events));
}

void EventRows::add(const record::Packet& packet, const FlowRef& flow) {
  batch_.set(kEventN, packet.n);
  if (packet.has_time) batch_.set(kEventTs, packet.time_ns);
  if (flow.known) batch_.set(kEventFlow, flow.flow);
  fields_.put(packet, batch_);
  batch_.end_row();
}

TimelineRows::TimelineRows()
    : batch_({{"ts", ColumnType::time}, {"packets", ColumnType::u64}, {"bytes", ColumnType::u64}}) {}

void TimelineRows::add(const record::Packet& packet) {
  if (!packet.has_time) return;
  if (static_cast<uint64_t>(packet.time_ns) - static_cast<uint64_t>(second_) >= uint64_t{base::kSecond}) {
    finish();
    const int64_t rest = packet.time_ns % base::kSecond;
    second_ = packet.time_ns - (rest < 0 ? rest + base::kSecond : rest);
  }
  ++packets_;
  bytes_ += packet.len;
}

void TimelineRows::finish() {
  if (packets_ == 0) return;
  batch_.set(kSecond, second_);
  batch_.set(kPackets, std::exchange(packets_, 0));
  batch_.set(kBytes, std::exchange(bytes_, 0));
  batch_.end_row();
}

Batch interface_rows(const std::vector<capture::Interface>& interfaces) {
  Batch batch({{"interface", ColumnType::u32},
               {"link_type", ColumnType::u16},
               {"fraction_digits", ColumnType::u8},
               {"name", ColumnType::text}});
  for (size_t i = 0; i < interfaces.size() && !batch.full(); ++i) {
    const capture::Interface& interface = interfaces[i];
    batch.set(0, static_cast<uint32_t>(i));
    batch.set(1, interface.link_type);
    batch.set(2, static_cast<uint8_t>(interface.fraction_digits));
    if (!interface.name.empty()) batch.set_text(3, base::wire_text(interface.name));
    batch.end_row();
  }
  return batch;
}

}  // namespace wl::store
