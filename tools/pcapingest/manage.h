#pragma once
// pcapingest project, delete, verify and prune.
#include <functional>

#include "libcommon/cli/run.h"
#include "tools/pcapingest/options.h"

namespace wl::pcapingest {

/// On stderr, and with --error-records as a record; `code` as error_line() has it. Its exit status.
base::Exit tell_failure(const Options& options, cli::Context& context, const base::Error& error,
                        unsigned code = 0);

[[nodiscard]] base::Exit manage_projects(const Options& options, cli::Context& context);
[[nodiscard]] base::Exit delete_files(const Options& options, cli::Context& context);
[[nodiscard]] base::Exit verify_files(const Options& options, cli::Context& context);
[[nodiscard]] base::Exit prune(const Options& options, cli::Context& context);

/// Retention: the oldest go first, until what is left fits. `tell` is given a record for each.
[[nodiscard]] base::Result<void> apply(const Retention& retention, bool dry_run, store::Store& store,
                                       const std::function<void(const std::string&)>& tell);

}  // namespace wl::pcapingest
