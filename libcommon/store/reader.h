#pragma once
// Asks the parts of captures.
#include <string>
#include <vector>

#include "libcommon/base/error.h"
#include "libcommon/store/duck.h"

namespace wl::store {

/// A capture that can be asked.
struct Capture {
  std::string file_id{};    ///< empty: it was never ingested
  std::string name{};       ///< as people call it; the path of one that was never ingested
  std::string folder{};     ///< of its parts; the folder's parent is named "file_id=…", which the queries see
  std::string original{};   ///< path of its bytes, uncompressed
  int64_t original_ns = 0;  ///< when an original that was not copied was modified; 0: it is the store's own
};

struct ReaderOptions {
  DuckOptions duck{};
  bool locked = false;  ///< for statements of users: they can read these parts and nothing else
};

/// DuckDB with the parts as views named as the tables (tables.h has their columns), each with the column
/// `file_id` in front: file_key() of its capture.
class Reader {
 public:
  /// A part that is not there is a failure that names it.
  [[nodiscard]] static base::Result<Reader> open(std::vector<Capture> captures,
                                                 const ReaderOptions& options = {});

  /// Fails where open() would fail for a capture's parts.
  [[nodiscard]] static base::Result<void> check(const Capture& capture);

  [[nodiscard]] Duck& duck() { return duck_; }
  [[nodiscard]] const std::vector<Capture>& captures() const { return captures_; }
  /// The capture with that `file_id` in an answer.
  [[nodiscard]] const Capture* capture(std::string_view key) const;
  /// What `file_id` is in the views: from the folder's name.
  [[nodiscard]] static std::string file_key(const Capture& capture);

 private:
  Reader(Duck duck, std::vector<Capture> captures) : duck_(std::move(duck)), captures_(std::move(captures)) {}
  Duck duck_;
  std::vector<Capture> captures_;
};

}  // namespace wl::store
