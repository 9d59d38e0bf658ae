#pragma once
// pcapingest add: files, directories, standard input.
#include "libcommon/cli/run.h"
#include "tools/pcapingest/options.h"

namespace wl::pcapingest {

[[nodiscard]] base::Exit add(const Options& options, cli::Context& context);

}  // namespace wl::pcapingest
