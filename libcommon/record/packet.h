#pragma once
// The packet record and its field table.
#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <string_view>

#include "libcommon/record/type.h"

namespace wl::record {

/// An address. `version` 4: the first four bytes count.
struct Ip {
  std::array<uint8_t, 16> bytes{};
  uint8_t version = 0;  ///< 4, 6, or 0: none

  friend bool operator==(const Ip&, const Ip&) = default;
  [[nodiscard]] std::span<const uint8_t> wire() const { return {bytes.data(), version == 4 ? 4U : 16U}; }
};

using Mac = std::array<uint8_t, 6>;
using TextList = std::span<const std::string_view>;

/// How a field is kept in the record and written; Kind is what the reader of the JSON sees of it.
enum class Form : uint8_t { u8, u16, u32, u64, boolean, ip, mac, tcp_flags, base64, text_list, text, token };

template <Form>
struct Stored;
// clang-format off
template <> struct Stored<Form::u8> { using type = uint8_t; };
template <> struct Stored<Form::u16> { using type = uint16_t; };
template <> struct Stored<Form::u32> { using type = uint32_t; };
template <> struct Stored<Form::u64> { using type = uint64_t; };
template <> struct Stored<Form::boolean> { using type = bool; };
template <> struct Stored<Form::ip> { using type = Ip; };
template <> struct Stored<Form::mac> { using type = Mac; };
template <> struct Stored<Form::tcp_flags> { using type = uint8_t; };
template <> struct Stored<Form::base64> { using type = std::span<const uint8_t>; };
template <> struct Stored<Form::text_list> { using type = TextList; };
template <> struct Stored<Form::text> { using type = std::string_view; };
template <> struct Stored<Form::token> { using type = std::string_view; };
// clang-format on

enum class Field : uint8_t {
#define FIELD(group, key, ...) key,
#include "libcommon/record/packet_fields.def"
#undef FIELD
};

inline constexpr size_t kFieldCount = 0
#define FIELD(...) +1
#include "libcommon/record/packet_fields.def"
#undef FIELD
    ;

/// A set of fields; a loop over it costs one step per member.
class FieldSet {
 public:
  constexpr FieldSet() = default;
  constexpr FieldSet(std::initializer_list<Field> fields) {
    for (const Field field : fields) add(field);
  }
  constexpr void add(Field field) { word(field) |= bit(field); }
  constexpr void remove(Field field) { word(field) &= ~bit(field); }
  [[nodiscard]] constexpr bool has(Field field) const {
    return (words_[static_cast<size_t>(field) / 64] & bit(field)) != 0;
  }
  [[nodiscard]] constexpr bool empty() const { return (words_[0] | words_[1]) == 0; }
  [[nodiscard]] constexpr bool intersects(const FieldSet& other) const { return !(*this & other).empty(); }
  constexpr void clear() { words_ = {}; }

  friend constexpr FieldSet operator&(FieldSet a, const FieldSet& b) {
    a.words_[0] &= b.words_[0];
    a.words_[1] &= b.words_[1];
    return a;
  }
  friend constexpr FieldSet operator|(FieldSet a, const FieldSet& b) {
    a.words_[0] |= b.words_[0];
    a.words_[1] |= b.words_[1];
    return a;
  }
  friend constexpr FieldSet operator-(FieldSet a, const FieldSet& b) {
    a.words_[0] &= ~b.words_[0];
    a.words_[1] &= ~b.words_[1];
    return a;
  }
  friend constexpr bool operator==(const FieldSet&, const FieldSet&) = default;

  /// Calls `visit(Field)` for each member, in the table's order.
  template <class Visit>
  constexpr void each(Visit&& visit) const {
    for (size_t w = 0; w < words_.size(); ++w) {
      for (uint64_t rest = words_[w]; rest != 0; rest &= rest - 1) {
        visit(static_cast<Field>(w * 64 + static_cast<size_t>(std::countr_zero(rest))));
      }
    }
  }

 private:
  static constexpr uint64_t bit(Field field) { return uint64_t{1} << (static_cast<unsigned>(field) % 64); }
  constexpr uint64_t& word(Field field) { return words_[static_cast<size_t>(field) / 64]; }

  std::array<uint64_t, 2> words_{};
};
static_assert(kFieldCount <= 128);

/// One decoded packet. A member means something only while its field is in `present`. Text, lists and payload
/// point into the captured bytes or the decoder's scratch memory, and live until the next packet is decoded.
struct Packet {
  FieldSet present;
  int64_t time_ns = 0;
  bool has_time = false;
  uint8_t time_digits = 6;  ///< 6 or 9, as the interface's resolution is

#define FIELD(group, key, form, ...)               \
  Stored<Form::form>::type key{};                  \
  void set_##key(Stored<Form::form>::type value) { \
    key = value;                                   \
    present.add(Field::key);                       \
  }
#include "libcommon/record/packet_fields.def"
#undef FIELD
};

enum class Group : uint8_t { core, app, link, ip, tcp, tunnel, at, named };

/// One row of the field table.
struct FieldInfo {
  std::string_view key;
  Group group;
  Form form;
  uint16_t offset;  ///< of the member in Packet, bytes
  std::string_view unit;
  std::string_view text;
  std::string_view wireshark;  ///< field names, separated by spaces
  std::string_view zeek;
  std::string_view suricata;
  std::string_view ecs;
};

/// The table, indexed by Field.
[[nodiscard]] std::span<const FieldInfo, kFieldCount> packet_fields();
[[nodiscard]] inline const FieldInfo& info(Field field) {
  return packet_fields()[static_cast<size_t>(field)];
}
[[nodiscard]] FieldSet group_fields(Group group);
[[nodiscard]] std::string_view group_name(Group group);

/// Copies the member of `field`; `present` is the caller's.
void copy_field(Field field, const Packet& from, Packet& to);

/// The packet record as --schema describes it.
extern const RecordType kPacketType;

}  // namespace wl::record
