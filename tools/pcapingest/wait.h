#pragma once
// pcapingest add --wait: the import goes on in a process of its own when it takes longer.
#include <variant>

#include "libcommon/base/fd.h"
#include "libcommon/cli/run.h"
#include "tools/pcapingest/options.h"

namespace wl::pcapingest {

/// What fork_import() gives to the process that imports.
struct Detached {
  base::Fd early;  ///< where it writes, once it knows the file's id, what is said when it takes too long
};

/// To be called before there are threads. In the process that imports, which is in a session of its own and
/// has pipes as standard output and error: Detached. In the one that was started, which passes on what comes
/// out of them until the import is over or has taken `wait_ns`: the exit status.
[[nodiscard]] base::Result<std::variant<Detached, base::Exit>> fork_import(int64_t wait_ns);

}  // namespace wl::pcapingest
