#pragma once
// Ends a query that nobody waits for any more.
#include <atomic>
#include <functional>
#include <mutex>
#include <thread>

#include "libcommon/base/error.h"
#include "libcommon/store/duck.h"

namespace wl::pcapquery {

/// Interrupts a DuckDB instance from a thread of its own: when `is_unwanted` says so (asked some fifty times
/// a second), or when the time is over.
class Watch {
 public:
  explicit Watch(std::function<bool()> is_unwanted) : is_unwanted_(std::move(is_unwanted)) {}

  /// From now on, until the object goes. The instance must outlive it.
  void begin(store::Duck& duck);
  /// Counts from now; longer than that is too long.
  void limit(int64_t ns);
  /// What the query's failure means: this, if it was interrupted.
  [[nodiscard]] base::Error explain(base::Error error) const;

 private:
  void look(const std::stop_token& stop);

  std::function<bool()> is_unwanted_;
  std::atomic<int64_t> limit_ns_ = 0, deadline_ns_ = 0;  // 0: none
  std::atomic<bool> unwanted_ = false, late_ = false;
  store::Duck* duck_ = nullptr;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace wl::pcapquery
