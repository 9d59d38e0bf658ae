#pragma once
// Which captures a verb is asked about, as the command line says it.
#include <string>
#include <vector>

#include "libcommon/catalog/captures.h"

namespace wl::pcapquery {

struct Selection {
  std::vector<std::string> files{};  ///< ids, their beginnings, names, paths; none: all that the owner has
  std::string project{};
  std::string since{}, until{};
  std::string owner{};  ///< empty: the operator
  catalog::Location catalog{};
  bool has_paths = true;  ///< false: a path is refused; for those who may see the store and nothing else
};

/// --since and --until: RFC 3339, a date, or how long ago ("2h"). Exit::usage.
[[nodiscard]] base::Result<catalog::TimeSpan> time_span(const Selection& selection);

}  // namespace wl::pcapquery
