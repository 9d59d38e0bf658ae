#include "tools/netwindow/values.h"

#include <charconv>
#include <cmath>
#include <cstring>

#include "libcommon/base/digits.h"
#include "libcommon/base/time.h"
#include "libcommon/ndjson/text.h"

namespace wl::netwindow {
namespace {

using ndjson::Value;
using ndjson::ValueKind;

// Times near the ends of 64 bits of nanoseconds are refused, so that adding windows to them cannot overflow.
constexpr int64_t kMaxTime = int64_t{9} * 1'000'000'000 * base::kSecond;
constexpr int64_t kMaxNumber = int64_t{1} << 53;

std::optional<int64_t> bounded(int64_t ns) {
  if (ns < -kMaxTime || ns > kMaxTime) return std::nullopt;
  return ns;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// A decimal number "-12.5" as whole part and billionths, both without sign; `fraction_digits` as they stand.
struct Decimal {
  bool negative = false;
  uint64_t whole = 0;
  uint32_t billionths = 0;
  size_t fraction_digits = 0;
};

std::optional<Decimal> parse_decimal(std::string_view text) {
  Decimal d;
  if (text.starts_with('-')) {
    d.negative = true;
    text.remove_prefix(1);
  }
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const auto [at, error] = std::from_chars(begin, end, d.whole);
  if (error != std::errc{}) return std::nullopt;
  if (at == end) return d;
  if (*at != '.' || at + 1 == end) return std::nullopt;
  uint32_t scale = kAmountOne;
  for (const char* c = at + 1; c != end; ++c) {
    if (!is_digit(*c)) return std::nullopt;
    scale /= 10;
    d.billionths += static_cast<uint32_t>(*c - '0') * scale;
    ++d.fraction_digits;
  }
  return d;
}

/// "1.5e3" and the like.
std::optional<double> parse_exponent(std::string_view text) {
  double number = 0;
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const auto [at, error] = std::from_chars(begin, end, number);
  if (error != std::errc{} || at != end || !std::isfinite(number)) return std::nullopt;
  return number;
}

/// Nanoseconds in one unit of an epoch time: seconds where that fits 64 bits of nanoseconds, else the unit
/// that puts it between 1973 and 5138. 0: between the units.
int64_t epoch_unit(uint64_t whole) {
  if (whole < 9'000'000'000) return base::kSecond;
  if (whole < 100'000'000'000) return 0;
  if (whole < 100'000'000'000'000) return base::kMillisecond;
  if (whole < 100'000'000'000'000'000) return 1000;
  return 1;
}

/// The nanoseconds of a fraction of six or nine digits, which stands behind a point; negative: one is no
/// digit.
int64_t fraction_ns(const char* at, bool nine) {
  if (nine) {
    const uint64_t eight = base::eight_bytes(at);
    if (base::leading_digits(eight) < 8 || !is_digit(at[8])) return -1;
    return int64_t{base::short_number(eight, 8)} * 10 + (at[8] - '0');
  }
  const uint64_t six = base::eight_bytes(at - 1) >> 8;  // reads no byte behind the 'Z'
  return base::leading_digits(six) < 6 ? -1 : int64_t{base::short_number(six, 6)} * 1000;
}

}  // namespace

std::optional<int64_t> TimeReader::read(const Value& value) {
  if (value.kind == ValueKind::text) return read_text(value.text);
  if (value.kind == ValueKind::number) return read_number(value.text);
  return std::nullopt;
}

std::optional<int64_t> TimeReader::read_text(std::string_view text) {
  const auto number = [&text](size_t at) { return (text[at] - '0') * 10 + (text[at + 1] - '0'); };
  // The form that our own tools write, in the minute that we know: "…:03.123456Z" or nine digits.
  if ((text.size() == 27 || text.size() == 30) && std::memcmp(text.data(), prefix_, kPrefix - 1) == 0 &&
      text[kPrefix - 1] == ':' && is_digit(text[17]) && is_digit(text[18]) && number(17) < 60 &&
      text[19] == '.' && text.back() == 'Z') {
    const bool nine = text.size() == 30;
    const int64_t fraction = fraction_ns(text.data() + 20, nine);
    if (fraction >= 0) {
      nanoseconds_ = nine;
      return minute_ns_ + number(17) * base::kSecond + fraction;
    }
  }
  if (const std::optional<int64_t> ns = base::parse_rfc3339(text)) {
    const size_t point = text.find_first_of(".,");
    nanoseconds_ =
        point != std::string_view::npos && text.find_first_not_of("0123456789", point + 1) - point > 7;
    if (!bounded(*ns)) return std::nullopt;
    if (text.back() == 'Z' && text.size() > kPrefix + 2) {
      const int64_t in_minute = ((*ns % (60 * base::kSecond)) + 60 * base::kSecond) % (60 * base::kSecond);
      std::memcpy(prefix_, text.data(), kPrefix);
      minute_ns_ = *ns - in_minute;
      if (number(17) == 60) prefix_[0] = '\0';  // a leap second is of the minute before
    }
    return ns;
  }
  const std::optional<Decimal> d = parse_decimal(text);
  if (!d || d->fraction_digits != 0) return d ? read_number(text) : std::nullopt;
  if (d->whole > static_cast<uint64_t>(kMaxTime)) return std::nullopt;
  nanoseconds_ = d->whole % 1000 != 0;
  return d->negative ? -static_cast<int64_t>(d->whole) : static_cast<int64_t>(d->whole);
}

std::optional<int64_t> TimeReader::read_number(std::string_view text) {
  const std::optional<Decimal> d = parse_decimal(text);
  if (!d) {
    const std::optional<double> seconds = parse_exponent(text);
    if (!seconds || std::abs(*seconds) > 9e9) return std::nullopt;
    return static_cast<int64_t>(*seconds * static_cast<double>(base::kSecond));
  }
  const int64_t unit = epoch_unit(d->whole);
  if (unit == 0 || d->whole > static_cast<uint64_t>(kMaxTime / unit)) return std::nullopt;
  const int64_t ns = static_cast<int64_t>(d->whole) * unit + d->billionths / (base::kSecond / unit);
  nanoseconds_ = unit == base::kSecond ? d->fraction_digits > 6 : ns % 1000 != 0;
  return bounded(d->negative ? -ns : ns);
}

std::optional<uint64_t> parse_whole(const Value& value, uint64_t max) {
  if (value.kind != ValueKind::number && value.kind != ValueKind::text) return std::nullopt;
  // 19 digits always fit; more of them would only be zeros in front.
  if (value.text.empty() || value.text.size() > 19) return std::nullopt;
  uint64_t number = 0;
  for (const char c : value.text) {
    if (!is_digit(c)) return std::nullopt;
    number = number * 10 + static_cast<uint64_t>(c - '0');
  }
  return number <= max ? std::optional(number) : std::nullopt;
}

std::optional<Amount> read_amount(const Value& value) {
  if (value.kind != ValueKind::number && value.kind != ValueKind::text) return std::nullopt;
  if (const std::optional<Decimal> d = parse_decimal(value.text)) {
    if (d->whole > kMaxNumber) return std::nullopt;
    const Amount amount = Amount{static_cast<int64_t>(d->whole)} * kAmountOne + d->billionths;
    return d->negative ? -amount : amount;
  }
  const std::optional<double> number = parse_exponent(value.text);
  if (!number || std::abs(*number) > static_cast<double>(kMaxNumber)) return std::nullopt;
  const double whole = std::trunc(*number);
  return Amount{static_cast<int64_t>(whole)} * kAmountOne +
         std::llround((*number - whole) * static_cast<double>(kAmountOne));
}

void append_number(std::string& out, uint64_t number) {
  char text[24];
  out.append(text, std::to_chars(text, text + sizeof text, number).ptr);
}

void append_amount(std::string& out, Amount amount) {
  __extension__ using Magnitude = unsigned __int128;
  Magnitude rest = amount < 0 ? -static_cast<Magnitude>(amount) : static_cast<Magnitude>(amount);
  char text[64];
  char* at = text + sizeof text;
  bool significant = false;
  for (int digit = 0; digit < 9; ++digit, rest /= 10) {
    significant = significant || rest % 10 != 0;
    if (significant) *--at = static_cast<char>('0' + static_cast<int>(rest % 10));
  }
  if (significant) *--at = '.';
  do {
    *--at = static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
  } while (rest != 0);
  if (amount < 0) *--at = '-';
  out.append(at, text + sizeof text);
}

void append_text(std::string& out, std::string_view text) {
  const size_t at = out.size();
  out.resize(at + ndjson::string_room(text));
  out.resize(static_cast<size_t>(ndjson::put_string(out.data() + at, text) - out.data()));
}

}  // namespace wl::netwindow
