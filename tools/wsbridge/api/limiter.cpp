#include "tools/wsbridge/api/limiter.h"

#include <list>
#include <unordered_map>

#include "libcommon/base/time.h"

namespace wl::wsbridge::api {
namespace {

constexpr int64_t kMinute = 60 * base::kSecond;

/// The same rule as Subject::take, on a list of the newest grants (microseconds by Redis' clock). Gives 0, or
/// the microseconds to wait.
constexpr const char* kScript = R"(
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local oldest = redis.call('LINDEX', KEYS[1], -tonumber(ARGV[1]))
if oldest and tonumber(oldest) + 60000000 > now then return tonumber(oldest) + 60000000 - now end
redis.call('RPUSH', KEYS[1], string.format('%.0f', now))
redis.call('LTRIM', KEYS[1], -tonumber(ARGV[1]), -1)
redis.call('PEXPIRE', KEYS[1], 60000)
return 0)";

/// The times of the newest grants, as a ring once there are as many as a minute may have.
struct Subject {
  std::string key{};
  std::vector<int64_t> grants{};
  size_t oldest = 0;
  int64_t newest = 0;

  /// 0: granted. Else nanoseconds to wait.
  int64_t take(size_t most, int64_t now) {
    if (grants.size() < most) {
      grants.push_back(now);
    } else if (const int64_t wait = grants[oldest] + kMinute - now; wait > 0) {
      return wait;
    } else {
      grants[oldest] = now;
      oldest = (oldest + 1) % most;
    }
    newest = now;
    return 0;
  }
};

}  // namespace

struct Limiter::State {
  std::unordered_map<std::string, uint32_t> rates{};
  std::shared_ptr<Redis> redis{};
  std::list<Subject> subjects{};  ///< those granted last stand first
  std::unordered_map<std::string, std::list<Subject>::iterator> by_key{};
  size_t grants = 0;
  uint64_t refused = 0;

  void drop_last() {
    grants -= subjects.back().grants.size();
    by_key.erase(subjects.back().key);
    subjects.pop_back();
  }

  int64_t take(const std::string& key, uint32_t most, int64_t now) {
    while (!subjects.empty() && subjects.back().newest + kMinute <= now) drop_last();
    const auto [at, is_new] = by_key.try_emplace(key);
    if (is_new) at->second = subjects.insert(subjects.begin(), Subject{.key = key});
    Subject& subject = *at->second;
    const size_t before = subject.grants.size();
    const int64_t wait = subject.take(most, now);
    grants += subject.grants.size() - before;
    if (wait == 0) subjects.splice(subjects.begin(), subjects, at->second);
    while (subjects.size() > 1 && (subjects.size() > kMaxSubjects || grants > kMaxGrants)) drop_last();
    return wait;
  }

  std::optional<int> check_here(const std::string& rate, const std::string& subject, int64_t now) {
    const auto found = rates.find(rate);
    if (found == rates.end()) return std::nullopt;
    const int64_t wait = found->second == 0 ? kMinute : take(rate + ' ' + subject, found->second, now);
    return refuse(wait, base::kSecond);
  }

  /// Whole seconds of a wait.
  std::optional<int> refuse(int64_t wait, int64_t second) {
    if (wait <= 0) return std::nullopt;
    ++refused;
    return static_cast<int>((wait + second - 1) / second);
  }
};

Limiter::Limiter(const std::vector<RateSpec>& rates, std::shared_ptr<Redis> redis)
    : state_(std::make_shared<State>()) {
  for (const RateSpec& rate : rates) state_->rates.emplace(rate.name, rate.per_minute);
  state_->redis = std::move(redis);
}
Limiter::~Limiter() = default;

size_t Limiter::subjects() const { return state_->subjects.size(); }
uint64_t Limiter::refused() const { return state_->refused; }

std::optional<int> Limiter::check_here(const std::string& rate, const std::string& subject, int64_t now_ns) {
  return state_->check_here(rate, subject, now_ns);
}

boost::asio::awaitable<std::optional<int>> Limiter::check(std::string rate, std::string subject) {
  const std::shared_ptr<State> state = state_;
  const auto found = state->rates.find(rate);
  if (state->redis && found != state->rates.end() && found->second > 0) {
    std::vector<std::string> words{"EVAL", kScript, "1", "wsbridge:rate:" + rate + ' ' + subject,
                                   std::to_string(found->second)};
    const auto reply = co_await state->redis->command(std::move(words));
    if (reply) co_return state->refuse(reply->number, 1'000'000);
  }
  co_return state->check_here(rate, subject, base::steady_clock_ns());
}

}  // namespace wl::wsbridge::api
