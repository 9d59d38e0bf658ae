#pragma once
// The lines between us and a worker: DESIGN, section 6.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libcommon/ndjson/fields.h"
#include "tools/wsbridge/profile/profile.h"

namespace wl::wsbridge::worker {

/// {"id":"7","argv":["packets","--limit=5"],"owner":"3"}; without an owner when there is none.
[[nodiscard]] std::string request_line(uint64_t id, const Argv& argv, std::string_view owner);
/// {"id":"7","cancel":true}
[[nodiscard]] std::string cancel_line(uint64_t id);

/// A line of a worker.
struct Answer {
  uint64_t id = 0;
  std::string_view record{};  ///< a JSON object, as it stands in the line; empty: none
  bool end = false;
  int status = 0;  ///< 0 to 3
};

class AnswerReader {
 public:
  AnswerReader();
  /// Nothing: it is no answer. ndjson::kPadding bytes behind `line` can be read.
  [[nodiscard]] std::optional<Answer> read(std::string_view line);

 private:
  ndjson::Fields fields_;
};

}  // namespace wl::wsbridge::worker
