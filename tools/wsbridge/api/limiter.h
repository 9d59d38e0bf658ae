#pragma once
// Rate classes: at most `per_minute` in any 60 seconds, for each user or address.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <boost/circular_buffer.hpp>

#include "tools/wsbridge/api/redis.h"
#include "tools/wsbridge/newest.h"
#include "tools/wsbridge/profile/profile.h"

namespace wl::wsbridge::api {

/// I/O thread only; it outlives the coroutines that wait for it.
class Limiter {
 public:
  static constexpr size_t kMaxSubjects = 100'000;
  static constexpr size_t kMaxGrants = 4'000'000;  ///< remembered for all subjects: 32 MB

  /// Counts in `redis` for all bridges together, and here while it is gone, or null.
  Limiter(const std::vector<RateSpec>& rates, std::shared_ptr<Redis> redis);

  /// Nothing: go on, and it is counted. A number: refused; seconds until the next one is let through.
  awaitable<std::optional<int>> check(std::string rate, std::string subject);
  /// The same, here alone.
  [[nodiscard]] std::optional<int> check_here(const std::string& rate, const std::string& subject,
                                              int64_t now_ns);
  [[nodiscard]] size_t subjects() const { return subjects_.size(); }
  [[nodiscard]] uint64_t refused() const { return refused_; }

 private:
  /// Times of the newest; full once there are as many as a minute may have.
  using Grants = boost::circular_buffer_space_optimized<int64_t>;
  int64_t take(const std::string& key, uint32_t most, int64_t now);
  std::optional<int> refuse(int64_t wait, int64_t second);

  std::unordered_map<std::string, uint32_t> rates_{};
  std::shared_ptr<Redis> redis_;
  Newest<Grants> subjects_{kMaxGrants, kMaxSubjects};  ///< its bytes: grants
  uint64_t refused_ = 0;
};

}  // namespace wl::wsbridge::api
