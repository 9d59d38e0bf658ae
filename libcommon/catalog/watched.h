#pragma once
// Which files of watched directories were taken, so that none is read twice over restarts.
#include <memory>
#include <string>

#include "libcommon/catalog/database.h"

namespace wl::catalog {

/// A file as it stood when it was looked at.
struct WatchedFile {
  std::string path{};  ///< SHA-256 of its absolute path: paths are longer than keys may be
  int64_t bytes = 0;
  int64_t modified = 0;  ///< nanoseconds since 1970
};

/// Everything may block. Threads may share it.
class Watched {
 public:
  explicit Watched(std::shared_ptr<Db> db) : db_(std::move(db)) {}

  /// Whether this path was taken with that size and time.
  [[nodiscard]] base::Result<bool> is_taken(const WatchedFile& file);
  [[nodiscard]] base::Result<bool> take(const WatchedFile& file);

 private:
  std::shared_ptr<Db> db_;
};

}  // namespace wl::catalog
