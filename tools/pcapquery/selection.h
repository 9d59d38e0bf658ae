#pragma once
// Which captures a verb is asked about, as the command line says it.
#include <string>
#include <vector>

#include "libcommon/catalog/captures.h"

namespace CLI {
class App;
}

namespace wl::pcapquery {

/// Group of the options that say it, in --help.
inline constexpr const char* kWhich = "Which captures";

struct Selection {
  std::vector<std::string> files{};  ///< ids, their beginnings, names, paths; none: all that the owner has
  std::string project{};
  std::string since{}, until{};
  std::string owner{};  ///< empty: the operator
  catalog::Location catalog{};
  bool is_stored = false;  ///< a path is refused; for those who may see the store and nothing else
};

/// Declares FILE, of verbs that take one.
void add_file(CLI::App& app, Selection& selection);
/// Declares --stored; for what takes FILE.
void add_stored(CLI::App& app, Selection& selection);

/// --since and --until: RFC 3339, a date, or how long ago ("2h"). Exit::usage.
[[nodiscard]] base::Result<catalog::TimeSpan> time_span(const Selection& selection);

}  // namespace wl::pcapquery
