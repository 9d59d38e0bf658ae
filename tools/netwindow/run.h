#pragma once
// netwindow's work.
#include "libcommon/base/error.h"
#include "tools/netwindow/options.h"

namespace wl::cli {
struct Context;
}

namespace wl::netwindow {

/// Reads the context's input to its end and writes windows to its output.
[[nodiscard]] base::Exit run(const Options& options, cli::Context& context);

}  // namespace wl::netwindow
