#pragma once
// netsniff's work: packets from a source, through a filter, out as records or as a capture.
#include "libcommon/base/error.h"
#include "libcommon/cli/run.h"
#include "tools/netsniff/options.h"

namespace wl::netsniff {

/// Runs until the source ends, the limit or duration is reached, or a signal stops it.
[[nodiscard]] base::Exit sniff(const Options& options, cli::Context& context);

}  // namespace wl::netsniff
