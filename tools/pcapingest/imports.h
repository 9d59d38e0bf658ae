#pragma once
// pcapingest imports: what is being taken into the store.
#include "libcommon/cli/run.h"
#include "tools/pcapingest/options.h"

namespace wl::pcapingest {

/// What runs now; with --follow until SIGINT or SIGTERM, each one's end included.
[[nodiscard]] base::Exit imports(const Options& options, cli::Context& context);

}  // namespace wl::pcapingest
