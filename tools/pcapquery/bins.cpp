#include "tools/pcapquery/bins.h"

#include <array>

#include "libcommon/base/time.h"

namespace wl::pcapquery {
namespace {

constexpr int64_t kMinute = 60 * base::kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;
constexpr auto kLengths = [] {
  constexpr int64_t ms = base::kMillisecond, s = base::kSecond;
  return std::array{ms,       2 * ms,    5 * ms,      10 * ms,     20 * ms,      50 * ms,      100 * ms,
                    200 * ms, 500 * ms,  s,           2 * s,       5 * s,        10 * s,       15 * s,
                    30 * s,   kMinute,   2 * kMinute, 5 * kMinute, kMinute * 10, kMinute * 15, kMinute * 30,
                    kHour,    2 * kHour, 3 * kHour,   6 * kHour,   12 * kHour};
}();

/// Rounded down, before 1970 too.
int64_t number_of(int64_t ns, int64_t length) { return ns / length - (ns % length < 0 ? 1 : 0); }

bool holds(int64_t length, int64_t first_ns, int64_t last_ns, uint64_t most) {
  return static_cast<uint64_t>(number_of(last_ns, length) - number_of(first_ns, length)) < most;
}

}  // namespace

int64_t bin_for(int64_t first_ns, int64_t last_ns, uint64_t most) {
  for (const int64_t length : kLengths)
    if (holds(length, first_ns, last_ns, most)) return length;
  int64_t length = kDay;
  while (!holds(length, first_ns, last_ns, most)) length += kDay;
  return length;
}

base::Result<int64_t> bin_for(Query& query, uint64_t most) {
  int64_t bin = base::kSecond;
  const auto done = query.rows("select epoch_ns(min(ts)), epoch_ns(max(ts)) from packets", {},
                               [&](const store::Rows& rows) {
                                 if (!rows.null(0)) bin = bin_for(rows.number(0), rows.number(1), most);
                                 return true;
                               });
  if (!done) return std::unexpected(done.error());
  return bin;
}

std::string bins_of(int64_t bin_ns) {
  const std::string length = std::to_string(bin_ns);
  const bool whole = bin_ns % base::kSecond == 0;
  return "select ns - ((ns % " + length + ") + " + length + ") % " + length + " as ts, ts + " + length +
         " as until, sum(packets) as packets, sum(bytes) as bytes from (select epoch_ns(ts) as ns, " +
         (whole ? "packets, bytes from timeline"
                : "1 as packets, len as bytes from packets where ts is not null") +
         ") group by 1 order by 1";
}

}  // namespace wl::pcapquery
