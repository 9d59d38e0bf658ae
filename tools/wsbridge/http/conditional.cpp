#include "tools/wsbridge/http/conditional.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

namespace wl::wsbridge::http {
namespace {

constexpr std::array<const char*, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::string_view trim(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range && end == text.data() + text.size()) return UINT64_MAX;
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<ByteRange> parse_range(std::string_view header, uint64_t total) {
  constexpr std::string_view kUnit = "bytes=";
  if (!header.starts_with(kUnit)) return std::nullopt;
  const std::string_view range = trim(header.substr(kUnit.size()));
  const size_t dash = range.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto last = number(range.substr(dash + 1));
  if (dash == 0) {  // "-500": the last 500 bytes
    if (!last) return std::nullopt;
    const uint64_t size = std::min(*last, total);
    return ByteRange{total - size, size};
  }
  const auto first = number(range.substr(0, dash));
  const bool open_end = dash + 1 == range.size();
  if (!first || (!open_end && (!last || *last < *first))) return std::nullopt;
  if (*first >= total) return ByteRange{};
  return ByteRange{*first, (open_end ? total - 1 : std::min(*last, total - 1)) - *first + 1};
}

bool etag_matches(std::string_view header, std::string_view etag) {
  const auto strong = [](std::string_view tag) { return tag.starts_with("W/") ? tag.substr(2) : tag; };
  while (!header.empty()) {
    const std::string_view one = header.substr(0, header.find(','));
    header.remove_prefix(std::min(one.size() + 1, header.size()));
    const std::string_view tag = trim(one);
    if (tag == "*" || (!tag.empty() && strong(tag) == strong(etag))) return true;
  }
  return false;
}

std::string http_date(time_t time) {
  tm t{};
  ::gmtime_r(&time, &t);
  std::array<char, 64> text{};
  const int size = std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                                 kDays.at(static_cast<size_t>(t.tm_wday)), t.tm_mday,
                                 kMonths.at(static_cast<size_t>(t.tm_mon)), t.tm_year + 1900, t.tm_hour,
                                 t.tm_min, t.tm_sec);
  return {text.data(), static_cast<size_t>(size)};
}

std::optional<time_t> parse_http_date(std::string_view text) {
  tm t{};
  std::array<char, 4> month{};
  const std::string copy(text);
  if (std::sscanf(copy.c_str(), "%*3s, %2d %3s %4d %2d:%2d:%2d GMT", &t.tm_mday, month.data(), &t.tm_year,
                  &t.tm_hour, &t.tm_min, &t.tm_sec) != 6) {
    return std::nullopt;
  }
  const auto found = std::ranges::find(kMonths, std::string_view(month.data()));
  if (found == kMonths.end()) return std::nullopt;
  t.tm_mon = static_cast<int>(found - kMonths.begin());
  t.tm_year -= 1900;
  const time_t time = ::timegm(&t);
  if (http_date(time) != text) return std::nullopt;
  return time;
}

}  // namespace wl::wsbridge::http
