#pragma once
// Rate classes: at most `per_minute` in any 60 seconds, for each user or address.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "tools/wsbridge/api/redis.h"
#include "tools/wsbridge/profile/profile.h"

namespace wl::wsbridge::api {

/// I/O thread only.
class Limiter {
 public:
  static constexpr size_t kMaxSubjects = 100'000;
  static constexpr size_t kMaxGrants = 4'000'000;  ///< remembered for all subjects: 32 MB

  /// Counts in `redis` for all bridges together, and here while it is gone, or null.
  Limiter(const std::vector<RateSpec>& rates, std::shared_ptr<Redis> redis);
  ~Limiter();

  /// Nothing: go on, and it is counted. A number: refused; seconds until the next one is let through.
  boost::asio::awaitable<std::optional<int>> check(std::string rate, std::string subject);
  /// The same, here alone.
  [[nodiscard]] std::optional<int> check_here(const std::string& rate, const std::string& subject,
                                              int64_t now_ns);
  [[nodiscard]] size_t subjects() const;
  [[nodiscard]] uint64_t refused() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace wl::wsbridge::api
