#include "libcommon/cli/table.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace wl::cli {
namespace {

/// One code point at the front of `text` and its length; length 0 where the bytes are no UTF-8 (RFC 3629: no
/// overlong forms, no surrogates, nothing above U+10FFFF).
struct CodePoint {
  uint32_t value = 0;
  size_t length = 0;
};

CodePoint front(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return {first, 1};
  const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  constexpr std::array<uint32_t, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return {};
  uint32_t value = first & (0x7fU >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    value = value << 6 | (byte(i) & 0x3fU);
  }
  if (value < kLeast[length] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return {};
  return {value, length};
}

struct Range {
  uint32_t first, last;
};

// Coarse on purpose: whole blocks, enough to keep columns straight.
constexpr std::array<Range, 5> kCombining{
    {{0x300, 0x36f}, {0x1ab0, 0x1aff}, {0x200b, 0x200f}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}}};
constexpr std::array<Range, 8> kWide{{{0x1100, 0x115f},
                                      {0x2e80, 0xa4cf},
                                      {0xac00, 0xd7a3},
                                      {0xf900, 0xfaff},
                                      {0xfe30, 0xfe6f},
                                      {0xff00, 0xff60},
                                      {0x1f300, 0x1faff},
                                      {0x20000, 0x3fffd}}};

bool in(const auto& ranges, uint32_t value) {
  return std::ranges::any_of(ranges, [value](Range r) { return value >= r.first && value <= r.last; });
}

/// Controls (C0, DEL, C1) and the marks that reorder a line or end it (U+2028-202E, U+2066-2069).
bool is_control(uint32_t value) {
  return value < 0x20 || (value >= 0x7f && value < 0xa0) || (value >= 0x2028 && value <= 0x202e) ||
         (value >= 0x2066 && value <= 0x2069);
}

void append_escaped(std::string& out, std::string_view bytes) {
  for (const char c : bytes) {
    char escaped[5];
    std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<uint8_t>(c));
    out += escaped;
  }
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint point = front(text);
    const size_t length = std::max<size_t>(point.length, 1);
    if (point.length == 0 || is_control(point.value)) {
      append_escaped(out, text.substr(0, length));
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return out;
}

size_t display_width(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    const CodePoint point = front(text);
    width += in(kCombining, point.value) ? 0 : in(kWide, point.value) ? 2 : 1;
    text.remove_prefix(std::max<size_t>(point.length, 1));
  }
  return width;
}

std::string human_size(uint64_t bytes) {
  constexpr std::string_view kLetters = "kMGTPE";
  if (bytes < 1024) return std::to_string(bytes);
  auto value = static_cast<double>(bytes) / 1024;
  size_t letter = 0;
  while (value >= 1023.95 && letter + 1 < kLetters.size()) {  // 1023.95 would round to "1024.0"
    value /= 1024;
    ++letter;
  }
  char text[16];
  std::snprintf(text, sizeof text, "%.1f%c", value, kLetters[letter]);
  return text;
}

void Table::row(const std::vector<std::string>& cells) {
  std::vector<std::string>& shown = rows_.emplace_back(columns_.size());
  for (size_t i = 0; i < std::min(cells.size(), columns_.size()); ++i) shown[i] = printable(cells[i]);
}

std::string Table::text(bool titles) {
  if (titles) {
    std::vector<std::string> line;
    for (const Column& column : columns_) line.push_back(column.title);
    rows_.insert(rows_.begin(), std::move(line));
  }
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) {
      columns_[i].min_width = std::max(columns_[i].min_width, display_width(row[i]));
    }
  }
  std::string out;
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string padding(columns_[i].min_width - display_width(row[i]), ' ');
      if (i > 0) out += "  ";
      out += columns_[i].align == Align::right ? padding + row[i] : row[i] + padding;
    }
    out.erase(out.find_last_not_of(' ') + 1);
    out += '\n';
  }
  rows_.clear();
  return out;
}

}  // namespace wl::cli
