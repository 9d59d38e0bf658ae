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
  const auto drop_last = [this] {
    grants_ -= subjects_.back().grants.size();
    by_key_.erase(subjects_.back().key);
    subjects_.pop_back();
  };
  while (!subjects_.empty() && subjects_.back().grants.back() + kMinute <= now) drop_last();
  const auto [at, fresh] = by_key_.try_emplace(key);
  if (fresh) at->second = subjects_.insert(subjects_.begin(), Subject{.key = key});
  auto& grants = at->second->grants;
  if (fresh) grants.set_capacity(most);
  if (grants.full() && grants.front() + kMinute > now) return grants.front() + kMinute - now;
  grants_ += grants.full() ? 0 : 1;
  grants.push_back(now);
  subjects_.splice(subjects_.begin(), subjects_, at->second);
  while (subjects_.size() > 1 && (subjects_.size() > kMaxSubjects || grants_ > kMaxGrants)) drop_last();
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

boost::asio::awaitable<std::optional<int>> Limiter::check(std::string rate, std::string subject) {
  const auto found = rates_.find(rate);
  if (redis_ && found != rates_.end() && found->second > 0) {
    std::vector<std::string> words{"EVAL", kScript, "1", "wsbridge:rate:" + rate + ' ' + subject,
                                   std::to_string(found->second)};
    const auto reply = co_await redis_->command(std::move(words));
    if (reply) co_return refuse(reply->number, 1'000'000);
  }
  co_return check_here(rate, subject, base::steady_clock_ns());
}

}  // namespace wl::wsbridge::api
