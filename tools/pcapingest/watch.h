#pragma once
// pcapingest watch: captures that appear in a directory go into the store.
#include "libcommon/cli/run.h"
#include "tools/pcapingest/options.h"

namespace wl::pcapingest {

/// Until SIGINT or SIGTERM. A file is taken when its writer closes it or when it is renamed into the
/// directory; what was there before is taken first, unless somebody still writes it. Nothing is taken twice,
/// over restarts too, as long as its size and time of modification stay.
[[nodiscard]] base::Exit watch(const Options& options, cli::Context& context);

}  // namespace wl::pcapingest
