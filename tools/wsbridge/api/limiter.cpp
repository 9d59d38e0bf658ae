#include "tools/wsbridge/api/limiter.h"

#include "libcommon/base/time.h"

namespace wl::wsbridge::api {
namespace {

constexpr int64_t kMinute = 60 * base::kSecond;

/// The same rule as take(), on a list of the newest grants (microseconds by Redis' clock). Gives 0, or the
/// microseconds to wait.
constexpr const char* kScript = R"(
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local oldest = redis.call('LINDEX', KEYS[1], -tonumber(ARGV[1]))
if oldest and tonumber(oldest) + 60000000 > now then return tonumber(oldest) + 60000000 - now end
redis.call('RPUSH', KEYS[1], string.format('%.0f', now))
redis.call('LTRIM', KEYS[1], -tonumber(ARGV[1]), -1)
redis.call('PEXPIRE', KEYS[1], 60000)
return 0)";

}  // namespace

Limiter::Limiter(const std::vector<RateSpec>& rates, std::shared_ptr<Redis> redis)
    : redis_(std::move(redis)) {
  for (const RateSpec& rate : rates) rates_.emplace(rate.name, rate.per_minute);
}

/// 0: granted. Else nanoseconds to wait.
int64_t Limiter::take(const std::string& key, uint32_t most, int64_t now) {
  const auto open = [now](const Grants& grants) { return grants.back() + kMinute <= now; };
  while (subjects_.size() != 0 && open(*subjects_.find(subjects_.oldest())))
    subjects_.erase(subjects_.oldest());
  Grants* const known = subjects_.find(key);
  if (known != nullptr && known->full() && known->front() + kMinute > now)
    return known->front() + kMinute - now;
  Grants grants = known != nullptr ? std::move(*known) : Grants(Grants::capacity_type(most));
  grants.push_back(now);
  const size_t count = grants.size();
  subjects_.put(key, count, std::move(grants));
  return 0;
}

/// Whole seconds of a wait.
std::optional<int> Limiter::refuse(int64_t wait, int64_t second) {
  if (wait <= 0) return std::nullopt;
  ++refused_;
  return static_cast<int>((wait + second - 1) / second);
}

std::optional<int> Limiter::check_here(const std::string& rate, const std::string& subject, int64_t now_ns) {
  const auto found = rates_.find(rate);
  if (found == rates_.end()) return std::nullopt;
  const int64_t wait = found->second == 0 ? kMinute : take(rate + ' ' + subject, found->second, now_ns);
  return refuse(wait, base::kSecond);
}

awaitable<std::optional<int>> Limiter::check(std::string rate, std::string subject) {
  if (const auto found = rates_.find(rate); redis_ && found != rates_.end() && found->second > 0) {
    std::vector<std::string> words{"EVAL", kScript, "1", "wsbridge:rate:" + rate + ' ' + subject,
                                   std::to_string(found->second)};
    const auto reply = co_await redis_->command(std::move(words));
    if (reply) co_return refuse(reply->number, 1'000'000);
  }
  co_return check_here(rate, subject, base::steady_clock_ns());
}

}  // namespace wl::wsbridge::api
