#include "libcommon/packet/detail_fields.h"

#include <algorithm>
#include <array>
#include <bit>

#include "libcommon/base/utf8.h"
#include "libcommon/ndjson/text.h"

namespace wl::packet {
namespace {

constexpr char kDigits[] = "0123456789abcdef";

uint64_t number_in(std::span<const uint8_t> bytes, bool little) {
  uint64_t number = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    number = number << 8 | bytes[little ? bytes.size() - 1 - i : i];
  }
  return number;
}

std::string bytes_text(std::span<const uint8_t> bytes) {
  std::string text;
  for (const uint8_t byte : bytes.first(std::min(bytes.size(), kMaxDetailText / 3))) {
    if (!text.empty()) text += ':';
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

template <size_t Size, char* (*put)(char*, const uint8_t*)>
std::string address_text(std::span<const uint8_t> bytes) {
  if (bytes.size() != Size) return bytes_text(bytes);
  std::array<char, ndjson::kMaxAddress> room;
  return {room.data(), put(room.data(), bytes.data())};
}

bool is_number(Format format) { return format <= Format::little_hex; }

struct Number {
  uint64_t value;
  std::string text;
};

Number number_of(const Row& row, std::span<const uint8_t> bytes) {
  const bool little = row.format == Format::little_decimal || row.format == Format::little_hex;
  uint64_t value = number_in(bytes, little);
  if (row.mask != 0) value = (value & row.mask) >> std::countr_zero(row.mask);
  value *= row.scale;
  switch (row.format) {
    case Format::hex:
    case Format::little_hex: return {value, hex_text(value, bytes.size())};
    case Format::signed_decimal: return {value, std::to_string(static_cast<int8_t>(value))};
    default: return {value, std::to_string(value)};
  }
}

}  // namespace

std::string_view bounded(std::string_view text) {
  if (text.size() <= kMaxDetailText) return text;
  size_t end = kMaxDetailText;
  while (end != 0 && (static_cast<uint8_t>(text[end]) & 0xc0U) == 0x80U) --end;
  return text.substr(0, end);
}

std::string hex_text(uint64_t number, size_t bytes) {
  std::string text = "0x";
  for (size_t shift = bytes * 8; shift != 0; shift -= 4) text += kDigits[number >> (shift - 4) & 15];
  return text;
}

ByteReader Fields::from(size_t at) const {
  ByteReader rest = layer_.bytes;
  return rest.skip(at) ? rest : ByteReader{};
}

std::optional<uint64_t> Fields::number(size_t at, size_t size) const {
  const ByteReader bytes = from(at).first(size);
  return bytes.size() == size ? std::optional(number_in(bytes.bytes(), false)) : std::nullopt;
}

size_t Fields::number_or_0(size_t at, size_t size) const { return number(at, size).value_or(0); }

void Fields::rows(std::span<const Row> rows, size_t base) {
  for (const Row& row : rows) this->row(row, base);
}

void Fields::row(const Row& row, size_t base, size_t size) {
  const size_t at = base + row.at;
  const ByteReader field = from(at).first(size);
  if (field.size() != size) return;
  const auto bytes = field.bytes();
  if (is_number(row.format)) {
    return add_number(row, bytes, at, size);
  }
  switch (row.format) {
    case Format::ipv4: return add(row.key, row.label, address_text<4, ndjson::put_ipv4>(bytes), at, size);
    case Format::ipv6: return add(row.key, row.label, address_text<16, ndjson::put_ipv6>(bytes), at, size);
    case Format::mac: return add(row.key, row.label, address_text<6, ndjson::put_mac>(bytes), at, size);
    case Format::text: return add(row.key, row.label, wire_text(field.text(), scratch_), at, size);
    default: return add(row.key, row.label, bytes_text(bytes), at, size);
  }
}

void Fields::row_over(const Row& row, size_t base, size_t covered) {
  const size_t at = base + row.at;
  const ByteReader field = from(at).first(row.size);
  if (field.size() == row.size) add_number(row, field.bytes(), at, covered);
}

void Fields::add_number(const Row& row, std::span<const uint8_t> bytes, size_t at, size_t covered) {
  if (bytes.empty() || bytes.size() > sizeof(uint64_t)) return;
  const Number number = number_of(row, bytes);
  const auto found = std::ranges::find(row.meanings, number.value, &Meaning::number);
  const std::string_view meaning = found == row.meanings.end() ? std::string_view{} : found->name;
  add(row.key, row.label, number.text, at, covered, meaning);
}

void Fields::add(std::string_view key, std::string_view label, std::string_view value, size_t at, size_t size,
                 std::string_view meaning) {
  const bool there = at <= this->size() && size <= this->size() - at;
  if (there && !full()) {
    DetailField& field = out_.fields.emplace_back();
    field.key = key;
    field.label = label;
    field.value = bounded(value);
    field.meaning = meaning;
    if (place_) {
      field.offset = *place_ + at;
      field.length = size;
    }
  }
  scratch_.reset();
}

}  // namespace wl::packet
