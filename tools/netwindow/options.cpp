#include "tools/netwindow/options.h"

#include <CLI/CLI.hpp>

#include "libcommon/cli/options.h"

namespace wl::netwindow {

void declare_options(CLI::App& app, Options& o) {
  cli::add_duration(app, "--window", o.window,
                    "length of a window; windows are aligned to multiples since 1970 UTC");
  cli::add_text(
      app, "--by", o.by, "FIELDS",
      "what makes a key: fields with commas between them, addresses with prefix lengths "
      "(src_ip/24,dst_port); client, pair, or none; default: client when packets carry dir, else pair");
  cli::add_count(app, "--top", o.top, "only the N largest keys; the rest is summed as other (0: all)");
  cli::add_text(app, "--sort", o.sort, "KEY",
                "what large means: a count or sum of the window record; default: bytes");
  cli::add_duration(app, "--lateness", o.lateness,
                    "how long a window waits, in event time, for records that come late");
  cli::add_switch(app, "--whole", o.whole, "one record a window, with all keys in an array");
  cli::add_switch(app, "--merge", o.merge,
                  "read netwindow's own records: of several sensors, or of shorter windows");
  cli::add_text(app, "--time", o.time, "FIELD",
                "take any records, with the time in this field (a path with dots reaches into objects)");
  cli::add_repeatable(app, "--sum", o.sums, "FIELD", "take any records, and add up this field");
  cli::add_count(app, "--max-keys", o.max_keys, "most keys kept in a window; small ones make room", 1,
                 100'000'000);
  cli::add_count(app, "--max-flows", o.max_flows, "most flows counted in a key", 1, 100'000'000);
  cli::add_table(app, o.table);
  cli::add_meta(app, o.meta);
  cli::add_strict(app, o.strict);
}

}  // namespace wl::netwindow
