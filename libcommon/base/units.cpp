#include "libcommon/base/units.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace wl::base {
namespace {

struct Unit {
  std::string_view name;
  int64_t ns;
};
constexpr std::array<Unit, 7> kUnits{{{"d", 86'400'000'000'000},
                                      {"h", 3'600'000'000'000},
                                      {"m", 60'000'000'000},
                                      {"s", 1'000'000'000},
                                      {"ms", 1'000'000},
                                      {"us", 1'000},
                                      {"ns", 1}}};

int64_t unit_of(std::string_view name) {
  if (name.empty()) return 1'000'000'000;
  for (const Unit& unit : kUnits) {
    if (unit.name == name) return unit.ns;
  }
  return 0;
}

Error not_a_duration(std::string_view text) {
  return Error{"\"" + std::string(text) + "\" is not a duration", "write it as 500ms, 5s, 1h or 30d",
               Exit::usage};
}

/// One "12.5s" at the front of `rest`; consumes it.
Result<double> take_part(std::string_view& rest, std::string_view whole) {
  double value = 0;
  const auto [end, error] =
      std::from_chars(rest.data(), rest.data() + rest.size(), value, std::chars_format::fixed);
  if (error != std::errc{} || value < 0) return std::unexpected(not_a_duration(whole));
  rest.remove_prefix(static_cast<size_t>(end - rest.data()));
  size_t letters = 0;
  while (letters < rest.size() && rest[letters] >= 'a' && rest[letters] <= 'z') ++letters;
  const int64_t unit = unit_of(rest.substr(0, letters));
  if (unit == 0) return std::unexpected(not_a_duration(whole));
  rest.remove_prefix(letters);
  return value * static_cast<double>(unit);
}

}  // namespace

Result<int64_t> parse_duration(std::string_view text) {
  if (text.empty()) return std::unexpected(not_a_duration(text));
  double total = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const auto part = take_part(rest, text);
    if (!part) return std::unexpected(part.error());
    total += *part;
  }
  if (!(total < 9.2e18)) return std::unexpected(not_a_duration(text));
  return std::llround(total);
}

Result<uint64_t> parse_number(std::string_view text, uint64_t max) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > max) {
    return fail("\"" + std::string(text) + "\" is not a number from 0 to " + std::to_string(max), {},
                Exit::usage);
  }
  return value;
}

Result<uint64_t> parse_size(std::string_view text, uint64_t unit) {
  std::string_view digits = text;
  if (!digits.empty() && (digits.back() == 'B' || digits.back() == 'b')) digits.remove_suffix(1);
  if (!digits.empty()) {
    constexpr std::string_view kLetters = "kKmMgGtT";
    if (const size_t at = kLetters.find(digits.back()); at != std::string_view::npos) {
      unit = uint64_t{1} << (10 * (at / 2 + 1));
      digits.remove_suffix(1);
    }
  }
  const auto value = parse_number(digits, std::numeric_limits<uint64_t>::max() / unit);
  if (!value) {
    return fail("\"" + std::string(text) + "\" is not a size", "write it as 64k, 10M or 1G", Exit::usage);
  }
  return *value * unit;
}

std::string format_duration(int64_t ns) {
  for (const Unit& unit : kUnits) {
    if (ns % unit.ns == 0 && ns != 0) return std::to_string(ns / unit.ns) + std::string(unit.name);
  }
  return "0s";
}

std::string format_size(uint64_t bytes) {
  constexpr std::string_view kLetters = "kMGT";
  size_t steps = 0;
  while (steps < kLetters.size() && bytes != 0 && bytes % 1024 == 0) {
    bytes /= 1024;
    ++steps;
  }
  return std::to_string(bytes) + (steps == 0 ? "" : std::string(1, kLetters[steps - 1]));
}

}  // namespace wl::base
