#pragma once
// A bound on memory that a library's own limit does not keep.
#include <cstdint>
#include <optional>

#include <sys/resource.h>

namespace wl::store {

/// While it lives the process may take `more_bytes` of memory beside what it has: allocations beyond it fail.
/// For one at a time.
class DataLimit {
 public:
  explicit DataLimit(uint64_t more_bytes);
  ~DataLimit();
  DataLimit(const DataLimit&) = delete;
  DataLimit& operator=(const DataLimit&) = delete;

 private:
  std::optional<rlimit> before_{};
};

}  // namespace wl::store
