#pragma once
// wsbridge serve: the streams, workers, routes and sockets of profiles behind one server.
#include "libcommon/base/error.h"
#include "libcommon/cli/run.h"
#include "tools/wsbridge/options.h"

namespace wl::wsbridge {

/// Serves until SIGINT or SIGTERM, or until there is nothing left to serve; then it drains.
[[nodiscard]] base::Exit serve(const ServeOptions& options, const catalog::Location& catalog,
                               cli::Context& context);

}  // namespace wl::wsbridge
