#pragma once
// The names that a display filter may use, and what of the packet record stands for them: Wireshark's field
// names, our own keys, and Wireshark's names of protocols.
#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "libcommon/record/packet.h"

namespace wl::filter {

/// The letters of tcp_flags, from the lowest bit.
inline constexpr std::string_view kTcpFlags = "FSRPAUEC";

/// What values of a field are, and so how they are written and compared.
enum class Type : uint8_t {
  number,    ///< up to `limit`
  boolean,   ///< True, False, or a number
  ipv4,      ///< an address or a network
  ipv6,      ///< the same
  ip,        ///< of either version
  mac,       ///< aa:bb:cc:dd:ee:ff
  text,      ///< compared as bytes
  time,      ///< nanoseconds since 1970; written as a date and time
  epoch,     ///< the same, written as seconds
  protocol,  ///< there or not
};

/// One value of a packet's field. What of it counts follows from the field's type.
struct Value {
  uint64_t number = 0;  ///< of a time: its int64_t
  record::Ip ip{};
  std::string_view text{};  ///< of a mac: its six bytes
};

/// Layers of which a packet has at least one, or not. None: it need not have any.
struct Layers {
  std::array<std::string_view, 3> names{};  ///< empty ones last

  constexpr Layers(std::convertible_to<std::string_view> auto... each) : names{each...} {}
  [[nodiscard]] constexpr bool empty() const { return names[0].empty(); }
  bool operator==(const Layers&) const = default;
};

/// A name that filters may use.
struct FilterField {
  std::string_view name;
  Type type = Type::protocol;
  uint64_t limit = 0;                 ///< of a number: the largest
  Layers layer{};                     ///< the field is there only in packets with one of these
  std::array<record::Field, 2> of{};  ///< its values are the first `sources` of these
  uint8_t sources = 0;                ///< 0: a protocol
  uint8_t mask = 0;                   ///< not 0: the bit of tcp_flags that it is
  uint8_t plus = 0;                   ///< added to the number
  std::array<Layers, 2> unless{};     ///< with one of these the value of that source is another field's
};

/// Null: filters do not know the name. Tables live as long as the program.
[[nodiscard]] const FilterField* find_field(std::string_view name);
/// The name that is nearest to a wrong one; empty: none is near.
[[nodiscard]] std::string_view nearest_field(std::string_view name);

/// The fields of the record that `field` needs to be decoded.
[[nodiscard]] record::FieldSet needs(const FilterField& field);

/// Calls `visit(const Value&)` for each value that the field has in the packet, until it says true; whether
/// one did. None: the packet does not have the field.
template <class Visit>
bool any_value(const FilterField& field, const record::Packet& packet, const Visit& visit);

/// The value of one record field; nothing where it is not in the packet, or not of the field's type.
[[nodiscard]] std::optional<Value> value_of(const FilterField& field, record::Field source,
                                            const record::Packet& packet);
/// Whether the packet has one of the layers; true where none is named.
[[nodiscard]] bool has_layer(const record::Packet& packet, const Layers& layers);
/// The texts of a list that are values of the field: of dns.a the IPv4 addresses.
[[nodiscard]] std::optional<Value> listed(const FilterField& field, std::string_view text);

template <class Visit>
bool any_value(const FilterField& field, const record::Packet& packet, const Visit& visit) {
  if (!has_layer(packet, field.layer)) return false;
  for (size_t i = 0; i < field.sources; ++i) {
    const record::Field source = field.of.at(i);
    if (const Layers& other = field.unless.at(i); !other.empty() && has_layer(packet, other)) continue;
    if (record::info(source).form == record::Form::text_list) {
      if (!packet.present.has(source)) continue;
      const record::TextList texts =
          source == record::Field::dns_answers ? packet.dns_answers : packet.tls_alpn;
      for (const std::string_view text : texts) {
        const std::optional<Value> value = listed(field, text);
        if (value && visit(*value)) return true;
      }
    } else if (const std::optional<Value> value = value_of(field, source, packet); value && visit(*value)) {
      return true;
    }
  }
  return false;
}

}  // namespace wl::filter
