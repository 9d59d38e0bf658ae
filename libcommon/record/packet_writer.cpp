#include "libcommon/record/packet_writer.h"

#include <cstring>

#include "libcommon/ndjson/text.h"

namespace wl::record {
namespace {

constexpr std::string_view kFlagLetters = "FSRPAUEC";

/// `,"key":` padded, so that it is copied as one block of constant size, with what the loop needs beside it.
struct Column {
  static constexpr size_t kPadded = 24;
  char text[kPadded];
  uint8_t size;
  Form form;
  uint16_t offset;
};

constexpr size_t kLongestKey = [] {
  size_t longest = 0;
#define FIELD(group, key, ...) longest = std::max(longest, sizeof(#key) - 1);
#include "libcommon/record/packet_fields.def"
#undef FIELD
  return longest;
}();
static_assert(kLongestKey + 4 <= Column::kPadded);

const std::array<Column, kFieldCount> kColumns = [] {
  std::array<Column, kFieldCount> columns{};
  for (size_t i = 0; i < kFieldCount; ++i) {
    const FieldInfo& field = packet_fields()[i];
    const char* const end = ndjson::put(ndjson::put(ndjson::put(columns[i].text, ",\""), field.key), "\":");
    columns[i].size = static_cast<uint8_t>(end - columns[i].text);
    columns[i].form = field.form;
    columns[i].offset = field.offset;
  }
  return columns;
}();

/// Fields whose size the captured bytes decide; all others fit into kFixedRoom together.
constexpr bool is_variable(Form form) {
  return form == Form::text || form == Form::text_list || form == Form::base64;
}
constexpr FieldSet kVariable = [] {
  FieldSet set;
#define FIELD(group, key, form, ...) \
  if (is_variable(Form::form)) set.add(Field::key);
#include "libcommon/record/packet_fields.def"
#undef FIELD
  return set;
}();
/// Key and value of a token, number or address: keys are at most 24 bytes, `layers` the longest token.
constexpr size_t kFixedRoom = kFieldCount * (Column::kPadded + 56) + 512;

template <class T>
const T& member(const Packet& packet, uint16_t offset) {
  return *reinterpret_cast<const T*>(reinterpret_cast<const char*>(&packet) + offset);
}

size_t room_for(const Packet& packet, Field field) {
  const FieldInfo& row = info(field);
  if (row.form == Form::base64) {
    return ndjson::base64_room(member<std::span<const uint8_t>>(packet, row.offset).size());
  }
  if (row.form == Form::text) return ndjson::string_room(member<std::string_view>(packet, row.offset));
  size_t room = 2;
  for (const std::string_view text : member<TextList>(packet, row.offset)) {
    room += ndjson::string_room(text) + 1;
  }
  return room;
}

char* put_quoted(char* out, std::string_view token) {
  *out++ = '"';
  out = ndjson::put(out, token);
  *out++ = '"';
  return out;
}

char* put_ip(char* out, const Ip& ip) {
  *out++ = '"';
  out = ip.version == 4 ? ndjson::put_ipv4(out, ip.bytes.data()) : ndjson::put_ipv6(out, ip.bytes.data());
  *out++ = '"';
  return out;
}

char* put_flags(char* out, unsigned flags) {
  *out++ = '"';
  for (unsigned rest = flags; rest != 0; rest &= rest - 1) {
    *out++ = kFlagLetters[static_cast<size_t>(std::countr_zero(rest))];
  }
  *out++ = '"';
  return out;
}

char* put_list(char* out, TextList list) {
  *out++ = '[';
  for (const std::string_view text : list) {
    out = ndjson::put_string(out, text);
    *out++ = ',';
  }
  if (!list.empty()) --out;
  *out++ = ']';
  return out;
}

char* put_value(char* out, const Packet& packet, const Column& column) {
  const uint16_t at = column.offset;
  switch (column.form) {
    case Form::u8: return ndjson::put_u32(out, member<uint8_t>(packet, at));
    case Form::u16: return ndjson::put_u32(out, member<uint16_t>(packet, at));
    case Form::u32: return ndjson::put_u32(out, member<uint32_t>(packet, at));
    case Form::u64: return ndjson::put_u64(out, member<uint64_t>(packet, at));
    case Form::boolean: return ndjson::put(out, member<bool>(packet, at) ? "true" : "false");
    case Form::ip: return put_ip(out, member<Ip>(packet, at));
    case Form::mac: {
      *out++ = '"';
      out = ndjson::put_mac(out, member<Mac>(packet, at).data());
      *out++ = '"';
      return out;
    }
    case Form::tcp_flags: return put_flags(out, member<uint8_t>(packet, at));
    case Form::base64: {
      *out++ = '"';
      out = ndjson::put_base64(out, member<std::span<const uint8_t>>(packet, at));
      *out++ = '"';
      return out;
    }
    case Form::text_list: return put_list(out, member<TextList>(packet, at));
    case Form::text: return ndjson::put_string(out, member<std::string_view>(packet, at));
    case Form::token: return put_quoted(out, member<std::string_view>(packet, at));
  }
  return out;
}

}  // namespace

size_t PacketWriter::room(const Packet& packet) const {
  size_t room = kFixedRoom;
  (packet.present & selected_ & kVariable).each([&](Field field) { room += room_for(packet, field); });
  return room;
}

char* PacketWriter::put(char* at, const Packet& packet) {
  at = ndjson::put(at, R"({"type":"packet")");
  if (packet.has_time) {
    at = time_.write(ndjson::put(at, R"(,"ts":)"), packet.time_ns, packet.time_digits);
  }
  (packet.present & selected_).each([&](Field field) {
    const Column& column = kColumns[static_cast<size_t>(field)];
    std::memcpy(at, column.text, Column::kPadded);
    at = put_value(at + column.size, packet, column);
  });
  return ndjson::put(at, "}\n");
}

void PacketWriter::write(const Packet& packet, ndjson::Output& out) {
  out.commit(put(out.reserve(room(packet)), packet));
}

std::string_view PacketWriter::line(const Packet& packet) {
  const size_t size = room(packet);
  if (line_.size() < size) line_.resize(size);
  return {line_.data(), put(line_.data(), packet)};
}

}  // namespace wl::record
