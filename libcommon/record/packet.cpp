#include "libcommon/record/packet.h"

#include <cstddef>

namespace wl::record {
namespace {

constexpr std::array<FieldInfo, kFieldCount> kTable{{
#define FIELD(group, key, form, unit, text, wireshark, zeek, suricata, ecs) \
  {#key, Group::group, Form::form, offsetof(Packet, key), unit, text, wireshark, zeek, suricata, ecs},
#include "libcommon/record/packet_fields.def"
#undef FIELD
}};

constexpr Kind kind_of(Form form) {
  switch (form) {
    case Form::u8: return Kind::u8;
    case Form::u16: return Kind::u16;
    case Form::u32: return Kind::u32;
    case Form::u64: return Kind::u64;
    case Form::boolean: return Kind::boolean;
    case Form::ip: return Kind::ip;
    case Form::mac: return Kind::mac;
    case Form::tcp_flags: return Kind::tcp_flags;
    case Form::base64: return Kind::base64;
    case Form::text_list: return Kind::text_list;
    case Form::text:
    case Form::token: return Kind::text;
  }
  return Kind::text;
}

constexpr auto kKeys = [] {
  std::array<KeyInfo, kFieldCount + 1> keys{};
  keys[0] = {"ts", Kind::time, "", "when the packet was captured"};
  for (size_t i = 0; i < kFieldCount; ++i) {
    keys[i + 1] = {kTable[i].key, kind_of(kTable[i].form), kTable[i].unit, kTable[i].text};
  }
  return keys;
}();

}  // namespace

std::span<const FieldInfo, kFieldCount> packet_fields() { return kTable; }

FieldSet group_fields(Group group) {
  FieldSet set;
  for (size_t i = 0; i < kFieldCount; ++i) {
    if (kTable[i].group == group) set.add(static_cast<Field>(i));
  }
  return set;
}

std::string_view group_name(Group group) {
  constexpr std::array<std::string_view, 8> kNames{"core", "app",    "link", "ip",
                                                   "tcp",  "tunnel", "at",   "named"};
  return kNames[static_cast<size_t>(group)];
}

void copy_field(Field field, const Packet& from, Packet& to) {
  switch (field) {
#define FIELD(group, key, ...) \
  case Field::key: to.key = from.key; break;
#include "libcommon/record/packet_fields.def"
#undef FIELD
  }
}

const RecordType kPacketType{"packet", "one captured packet", kKeys};

}  // namespace wl::record
