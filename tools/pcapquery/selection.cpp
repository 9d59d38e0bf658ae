#include "tools/pcapquery/selection.h"

#include <CLI/CLI.hpp>

#include "libcommon/base/time.h"
#include "libcommon/base/units.h"
#include "libcommon/cli/options.h"

namespace wl::pcapquery {
namespace {

base::Result<std::optional<int64_t>> read_time(const std::string& option, const std::string& text) {
  constexpr size_t kDate = std::string_view("2026-11-20").size();
  if (text.empty()) return std::nullopt;
  if (const auto time = base::parse_rfc3339(text.size() == kDate ? text + "T00:00:00" : text)) return time;
  const auto ago = base::parse_duration(text);
  if (!ago)
    return base::fail(option + ": \"" + text + "\" is no time",
                      "2026-11-20, 2026-11-20T09:03:00Z, or how long ago: 2h", base::Exit::usage);
  return base::wall_clock_ns() - *ago;
}

}  // namespace

void add_file(CLI::App& app, Selection& selection) {
  app.add_option_function<std::string>(
         "file", [&selection](const std::string& file) { selection.files = {file}; },
         "file_id, its beginning, name, or the path of a capture that is in no store")
      ->type_name("FILE")
      ->required();
  add_stored(app, selection);
}

void add_stored(CLI::App& app, Selection& selection) {
  cli::add_switch(app, "--stored", selection.is_stored, "FILE is in the store: paths are refused")
      ->group(kWhich);
}

base::Result<catalog::TimeSpan> time_span(const Selection& selection) {
  const auto since = read_time("--since", selection.since);
  if (!since) return std::unexpected(since.error());
  const auto until = read_time("--until", selection.until);
  if (!until) return std::unexpected(until.error());
  return catalog::TimeSpan{*since, *until};
}

}  // namespace wl::pcapquery
