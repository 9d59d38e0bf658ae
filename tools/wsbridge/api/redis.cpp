#include "tools/wsbridge/api/redis.h"

#include <cerrno>
#include <regex>

#include <hiredis/hiredis.h>

#include "libcommon/base/time.h"
#include "libcommon/base/units.h"

namespace wl::wsbridge::api {

base::Result<RedisSpec> parse_redis_url(std::string_view url) {
  static const std::regex kForm(
      R"re(redis://(?:([^@/]*)@)?(?:\[([^\]]+)\]|([^@/:\[\]]+))(?::([0-9]{1,5}))?(?:/([0-9]{0,6}))?)re");
  if (const size_t at = url.rfind('@'); at != url.npos && url.substr(0, at).rfind(':') > 5)
    return base::fail("redis://…: a password in a URL is seen by everybody", "give REDIS_PASSWORD");
  std::cmatch match;
  const bool fits = url.size() < 1000 && std::regex_match(url.data(), url.data() + url.size(), match, kForm);
  RedisSpec spec;
  if (fits && match[4].matched) spec.port = match[4];
  const auto port = base::parse_number(spec.port, 65535);
  if (!fits || !port || *port == 0)
    return base::fail(std::string(url) + ": not a URL of Redis", "redis://[USER@]HOST[:PORT][/DATABASE]");
  spec.host = match[2].matched ? match[2] : match[3];
  spec.user = match[1];
  spec.database = base::parse_number(match[5].str(), 1'000'000).value_or(0);
  return spec;
}

awaitable<std::optional<RedisReply>> Redis::command(std::vector<std::string> words) {
  const int64_t now = base::steady_clock_ns();
  const bool anew = !up();
  if (anew && now < retry_at_ns_) co_return std::nullopt;
  // One tries whether it is back; the others do not wait for that.
  if (anew) retry_at_ns_ = now + std::chrono::nanoseconds(kPause).count();
  auto asking = ask(std::move(words), anew);
  co_return co_await asio::co_spawn(thread_, std::move(asking), use_awaitable);
}

awaitable<std::optional<RedisReply>> Redis::ask(std::vector<std::string> words, bool anew) {
  std::optional<RedisReply> reply;
  if (!up() && !anew) co_return reply;  // it went while this waited for its turn
  if (!link_) connect();
  reply = exchange(words);
  if (reply) {
    if (retry_at_ns_.exchange(0) != 0) log_.info("redis: " + spec_.host + ": is back");
    co_return reply;
  }
  link_.reset();  // what was asked may still be answered: never where something else is asked
  if (!anew)
    log_.warning("redis: " + spec_.host + ": " + failure_ + " (going on without it, trying each 5 s)");
  retry_at_ns_ = base::steady_clock_ns() + std::chrono::nanoseconds(kPause).count();
  co_return reply;
}

void Redis::connect() {
  const timeval most{.tv_sec = 0, .tv_usec = std::chrono::microseconds(kTimeout).count()};
  link_.reset(
      redisConnectWithTimeout(spec_.host.c_str(),
                              static_cast<int>(base::parse_number(spec_.port, 65535).value_or(0)), most),
      redisFree);
  failure_ = !link_ ? "no memory" : link_->errstr;
  if (!failure_.empty()) return;
  redisSetTimeout(link_.get(), most);
  std::vector<std::string> greeting{"AUTH", spec_.user, spec_.password};
  if (spec_.user.empty()) greeting.erase(greeting.begin() + 1);
  if (!spec_.user.empty() || !spec_.password.empty()) (void)exchange(greeting);
  if (spec_.database != 0) (void)exchange({"SELECT", std::to_string(spec_.database)});
}

/// Nothing: the link is of no more use, see failure_.
std::optional<RedisReply> Redis::exchange(const std::vector<std::string>& words) {
  if (!failure_.empty()) return std::nullopt;
  std::vector<const char*> texts;
  std::vector<size_t> sizes;
  for (const std::string& word : words) {
    texts.push_back(word.data());
    sizes.push_back(word.size());
  }
  void* const got = redisCommandArgv(link_.get(), static_cast<int>(words.size()), texts.data(), sizes.data());
  const std::unique_ptr<redisReply, void (*)(void*)> reply(static_cast<redisReply*>(got), freeReplyObject);
  if (!reply) failure_ = errno == EAGAIN ? "no answer within 200 ms" : link_->errstr;
  if (reply && reply->type == REDIS_REPLY_ERROR) failure_ = reply->str;
  if (!failure_.empty()) return std::nullopt;
  std::string text = reply->str == nullptr ? "" : std::string(reply->str, reply->len);
  return RedisReply{reply->type == REDIS_REPLY_NIL, std::move(text), reply->integer};
}

}  // namespace wl::wsbridge::api
