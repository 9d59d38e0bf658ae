#pragma once
// How a protocol says what its fields are: constant tables of rows for what stands at fixed places, and a
// function for the rest. Adding one: its Description in the table of the file that it belongs to.
#include <optional>

#include "libcommon/packet/detail.h"

namespace wl::packet {

/// How the bytes of a field become text.
enum class Format : uint8_t {
  decimal,         ///< at most 8 bytes, as the next four
  signed_decimal,  ///< of one byte
  hex,             ///< 0x and two digits for each byte, as Wireshark writes them
  little_decimal,
  little_hex,
  ipv4,
  ipv6,
  mac,
  bytes,  ///< 0a:1b:2c
  text,   ///< as wire_text() has it
};

/// A number that has a name.
struct Meaning {
  uint32_t number;
  std::string_view name;
};
using Meanings = std::span<const Meaning>;

/// One field. Of numbers the bits under `mask` count (0: all), shifted down, times `scale`.
struct Row {
  std::string_view key;
  std::string_view label;
  uint16_t at;    ///< bytes behind the beginning that rows() is told
  uint16_t size;  ///< bytes; not used where row() is told another
  Format format = Format::decimal;
  uint32_t mask = 0;
  Meanings meanings{};
  uint8_t scale = 1;
};

/// Takes down the fields of one layer. Places count from the layer's first byte; what is not captured whole,
/// and what goes beyond the bounds, is left out.
class Fields {
 public:
  /// `place`: the layer's offset in the packet, nothing where its bytes are not in it.
  Fields(const Layer& layer, std::optional<size_t> place, Scratch& scratch, DetailLayer& out)
      : layer_(layer), place_(place), scratch_(scratch), out_(out) {}

  [[nodiscard]] const Protocol& protocol() const { return *layer_.protocol; }
  /// The layer's bytes behind the first `at`; empty where there are not so many.
  [[nodiscard]] ByteReader from(size_t at) const;
  [[nodiscard]] size_t size() const { return layer_.bytes.size(); }
  /// A big-endian number of at most 8 bytes; nothing when it is not captured whole.
  [[nodiscard]] std::optional<uint64_t> number(size_t at, size_t size) const;
  /// The same, 0 for what is not there.
  [[nodiscard]] size_t number_or_0(size_t at, size_t size) const;
  /// True when no further field is taken: loops end.
  [[nodiscard]] bool full() const { return out_.fields.size() >= kMaxDetailFields; }

  void rows(std::span<const Row> rows, size_t base = 0);
  void row(const Row& row, size_t base) { this->row(row, base, row.size); }
  /// With a size that only the packet tells.
  void row(const Row& row, size_t base, size_t size);
  /// A number that stands for more bytes than its own: an option's, for all of it.
  void row_over(const Row& row, size_t base, size_t covered);
  /// A value that is not the bytes' own text: a decompressed name.
  void add(std::string_view key, std::string_view label, std::string_view value, size_t at, size_t size,
           std::string_view meaning = {});

  /// Memory for texts; what was taken of it is given back with the next row() or add().
  [[nodiscard]] Scratch& scratch() { return scratch_; }
  /// Says how many bytes are the layer's own; without it, it ends where the next layer begins.
  void set_length(size_t length) { length_ = length; }
  [[nodiscard]] std::optional<size_t> length() const { return length_; }

 private:
  void add_number(const Row& row, std::span<const uint8_t> bytes, size_t at, size_t covered);

  const Layer& layer_;
  std::optional<size_t> place_;
  Scratch& scratch_;
  DetailLayer& out_;
  std::optional<size_t> length_;
};

/// How the layers of a name are described: `rows` from the layer's first byte on, then `more`.
struct Description {
  std::string_view name;
  std::string_view label;
  std::span<const Row> rows{};
  void (*more)(Fields& fields) = nullptr;
};
using Descriptions = std::span<const Description>;

[[nodiscard]] Descriptions link_descriptions();
[[nodiscard]] Descriptions wireless_descriptions();
[[nodiscard]] Descriptions tunnel_descriptions();
[[nodiscard]] Descriptions network_descriptions();
[[nodiscard]] Descriptions control_descriptions();  ///< ICMP of both versions
[[nodiscard]] Descriptions transport_descriptions();
[[nodiscard]] Descriptions dns_descriptions();
[[nodiscard]] Descriptions dhcp_descriptions();
[[nodiscard]] Descriptions tls_descriptions();
[[nodiscard]] Descriptions secure_descriptions();  ///< QUIC and SSH
[[nodiscard]] Descriptions application_descriptions();
[[nodiscard]] Descriptions plain_descriptions();  ///< a label only

/// At most kMaxDetailText bytes of `text`, not ending inside a character.
[[nodiscard]] std::string_view bounded(std::string_view text);
/// 0x and two digits for each of `bytes` bytes.
[[nodiscard]] std::string hex_text(uint64_t number, size_t bytes);

// Numbers that several protocols carry.
[[nodiscard]] Meanings ethertype_meanings();
[[nodiscard]] Meanings ip_protocol_meanings();

}  // namespace wl::packet
