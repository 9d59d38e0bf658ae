#pragma once
// Redis, shared by several bridges. Where it is gone the answer is "nothing", and it is tried again after
// kPause: everything is slower then, nothing is down.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/thread_pool.hpp>

#include "libcommon/base/error.h"
#include "libcommon/base/log.h"
#include "tools/wsbridge/process/event.h"

struct redisContext;

namespace wl::wsbridge::api {

struct RedisSpec {
  std::string host{};
  std::string port = "6379";
  std::string user{};
  std::string password{};
  uint64_t database = 0;
};

/// "redis://[USER@]HOST[:PORT][/DATABASE]", an IPv6 address in brackets. A password does not belong in it.
[[nodiscard]] base::Result<RedisSpec> parse_redis_url(std::string_view url);

struct RedisReply {
  bool nil = false;
  std::string text{};
  int64_t number = 0;
};

/// Commands go out one after the other, on a thread of their own; all calls come on the I/O thread.
class Redis {
 public:
  static constexpr std::chrono::milliseconds kTimeout{200};  ///< of a command, and of connecting
  static constexpr std::chrono::seconds kPause{5};

  Redis(RedisSpec spec, base::Log& log) : spec_(std::move(spec)), log_(log) {}
  /// Waits for the command that is under way.
  ~Redis() { thread_.join(); }

  /// Nothing: it is gone, or does not take the command; one line in the log tells when that begins and ends.
  awaitable<std::optional<RedisReply>> command(std::vector<std::string> words);
  /// False: the last command got no answer.
  [[nodiscard]] bool up() const { return retry_at_ns_ == 0; }

 private:
  // On its thread:
  awaitable<std::optional<RedisReply>> ask(std::vector<std::string> words, bool anew);
  void connect();
  std::optional<RedisReply> exchange(const std::vector<std::string>& words);

  RedisSpec spec_;
  base::Log& log_;
  std::atomic<int64_t> retry_at_ns_ = 0;  ///< by the steady clock; 0: it is there
  std::shared_ptr<redisContext> link_{};  ///< its thread's alone, as the next
  std::string failure_{};                 ///< why the link is of no more use
  asio::thread_pool thread_{1};
};

}  // namespace wl::wsbridge::api
