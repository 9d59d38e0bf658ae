#include "libcommon/base/time.h"

#include <array>
#include <charconv>
#include <cstring>

#include <time.h>

namespace wl::base {
namespace {

struct Civil {
  int64_t year;
  unsigned month, day;
};

// Days to date and back by counting in 400-year eras that begin on 1 March.
Civil civil_from_days(int64_t days) {
  days += 719468;
  const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const auto day_of_era = static_cast<unsigned>(days - era * 146097);
  const unsigned year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const unsigned shifted_month = (5 * day_of_year + 2) / 153;
  const unsigned day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
  const unsigned month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;
  return {static_cast<int64_t>(year_of_era) + era * 400 + (month <= 2 ? 1 : 0), month, day};
}

constexpr auto kPairs = [] {
  std::array<char, 200> pairs{};
  for (size_t i = 0; i < 100; ++i) {
    pairs[i * 2] = static_cast<char>('0' + i / 10);
    pairs[i * 2 + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}();

void put_pair(char* out, uint64_t value) { std::memcpy(out, &kPairs[value * 2], 2); }

/// `count` digits, an even number of them or nine.
char* put_fraction(char* out, uint32_t value, int count) {
  char* const end = out + count;
  char* at = end;
  if (count % 2 != 0) {
    *--at = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  while (at != out) {
    at -= 2;
    put_pair(at, value % 100);
    value /= 100;
  }
  return end;
}

int64_t floor_div(int64_t value, int64_t by) { return value / by - (value % by < 0 ? 1 : 0); }

bool take_digits(std::string_view& text, size_t count, int64_t& value) {
  if (text.size() < count) return false;
  value = 0;
  for (size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return true;
}

bool take_char(std::string_view& text, char wanted) {
  if (text.empty() || text[0] != wanted) return false;
  text.remove_prefix(1);
  return true;
}

/// Up to nine digits of fraction behind '.' or ','; further ones are passed over.
bool take_fraction(std::string_view& text, int64_t& ns) {
  ns = 0;
  if (!take_char(text, '.') && !take_char(text, ',')) return true;
  int64_t scale = kSecond;
  size_t count = 0;
  for (; !text.empty() && text[0] >= '0' && text[0] <= '9'; text.remove_prefix(1), ++count) {
    scale /= 10;
    ns += (text[0] - '0') * scale;
  }
  return count > 0;
}

/// "Z", "+02:00", "+0200", "+02" or nothing, in seconds east of UTC.
bool take_offset(std::string_view& text, int64_t& seconds) {
  seconds = 0;
  if (text.empty() || take_char(text, 'Z') || take_char(text, 'z')) return true;
  const int64_t sign = text[0] == '-' ? -1 : 1;
  if (!take_char(text, '+') && !take_char(text, '-')) return false;
  int64_t hours = 0;
  int64_t minutes = 0;
  if (!take_digits(text, 2, hours)) return false;
  (void)take_char(text, ':');
  if (!text.empty() && !take_digits(text, 2, minutes)) return false;
  seconds = sign * (hours * 3600 + minutes * 60);
  return true;
}

int64_t now(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return int64_t{t.tv_sec} * kSecond + t.tv_nsec;
}

}  // namespace

int64_t days_from_civil(int64_t year, unsigned month, unsigned day) {
  year -= month <= 2 ? 1 : 0;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const auto year_of_era = static_cast<unsigned>(year - era * 400);
  const unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + static_cast<int64_t>(day_of_era) - 719468;
}

char* TimeText::write(char* out, int64_t ns, int digits) {
  if (format_ == TimeFormat::rfc3339) {
    *out++ = '"';
    out = write_rfc3339(out, ns, digits);
    *out++ = '"';
    return out;
  }
  if (format_ == TimeFormat::epoch_ns) {
    *out++ = '"';
    out = std::to_chars(out, out + kMaxSize, ns).ptr;
    *out++ = '"';
    return out;
  }
  if (ns < 0) {
    *out++ = '-';
    ns = -ns;
  }
  out = std::to_chars(out, out + kMaxSize, ns / kSecond).ptr;
  *out++ = '.';
  return put_fraction(out, static_cast<uint32_t>(ns % kSecond / (digits == 6 ? 1000 : 1)), digits);
}

char* TimeText::write_rfc3339(char* out, int64_t ns, int digits) {
  const int64_t second = floor_div(ns, kSecond);
  const int64_t minute = floor_div(second, 60);
  if (minute != minute_) {
    minute_ = minute;
    const int64_t days = floor_div(second, 86400);
    const auto in_day = static_cast<uint64_t>(second - days * 86400);
    const Civil date = civil_from_days(days);
    put_pair(prefix_, static_cast<uint64_t>(date.year) / 100);
    put_pair(prefix_ + 2, static_cast<uint64_t>(date.year) % 100);
    prefix_[4] = prefix_[7] = '-';
    put_pair(prefix_ + 5, date.month);
    put_pair(prefix_ + 8, date.day);
    prefix_[10] = 'T';
    put_pair(prefix_ + 11, in_day / 3600);
    prefix_[13] = prefix_[16] = ':';
    put_pair(prefix_ + 14, in_day / 60 % 60);
    prefix_[19] = '.';
  }
  std::memcpy(out, prefix_, sizeof prefix_);
  put_pair(out + 17, static_cast<uint64_t>(second - minute * 60));
  const auto fraction = static_cast<uint32_t>(ns - second * kSecond);
  out = put_fraction(out + sizeof prefix_, digits == 6 ? fraction / 1000 : fraction, digits);
  *out++ = 'Z';
  return out;
}

std::string rfc3339(int64_t ns, int digits) {
  char text[TimeText::kMaxSize];
  char* const end = TimeText().write(text, ns, digits);
  return std::string(text + 1, end - 1);
}

std::optional<int64_t> parse_rfc3339(std::string_view text) {
  int64_t year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, fraction = 0, offset = 0;
  if (!take_digits(text, 4, year) || !take_char(text, '-') || !take_digits(text, 2, month) ||
      !take_char(text, '-') || !take_digits(text, 2, day)) {
    return std::nullopt;
  }
  if (!take_char(text, 'T') && !take_char(text, ' ') && !take_char(text, 't')) return std::nullopt;
  if (!take_digits(text, 2, hour) || !take_char(text, ':') || !take_digits(text, 2, minute) ||
      !take_char(text, ':') || !take_digits(text, 2, second) || !take_fraction(text, fraction) ||
      !take_offset(text, offset) || !text.empty()) {
    return std::nullopt;
  }
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60) {
    return std::nullopt;
  }
  const int64_t days = days_from_civil(year, static_cast<unsigned>(month), static_cast<unsigned>(day));
  const int64_t seconds = days * 86400 + hour * 3600 + minute * 60 + second - offset;
  int64_t ns = 0;
  if (__builtin_mul_overflow(seconds, kSecond, &ns) || __builtin_add_overflow(ns, fraction, &ns)) {
    return std::nullopt;
  }
  return ns;
}

int64_t wall_clock_ns() { return now(CLOCK_REALTIME); }
int64_t steady_clock_ns() { return now(CLOCK_MONOTONIC); }

}  // namespace wl::base
