#pragma once
// Redis, shared by several bridges. Commands go out as they come, without waiting for each other's answers,
// and nothing blocks: where Redis is gone the answer is "nothing", at once, and it is tried again after
// kPause.
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "libcommon/base/error.h"
#include "libcommon/base/log.h"

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

/// I/O thread only.
class Redis {
 public:
  static constexpr std::chrono::milliseconds kTimeout{200};  ///< of a command, connecting included
  static constexpr std::chrono::seconds kPause{5};

  Redis(boost::asio::any_io_executor executor, RedisSpec spec, base::Log& log);
  ~Redis();
  Redis(const Redis&) = delete;
  Redis& operator=(const Redis&) = delete;

  /// Nothing: it is gone, or does not take the command; one line in the log tells when that begins and ends.
  boost::asio::awaitable<std::optional<RedisReply>> command(std::vector<std::string> words);
  /// False: the last command got no answer.
  [[nodiscard]] bool up() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace wl::wsbridge::api
