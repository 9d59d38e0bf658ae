#pragma once
// A capture on standard input, rolled into files of the store.
#include "tools/pcapingest/importer.h"

namespace wl::pcapingest {

/// Reads pcap or pcapng to its end. Each --roll-size or --roll-time (of the clock on the wall, from a file's
/// first packet) what was read becomes a pcapng file of its own, so that a capture that runs for ever can be
/// asked while it does. Packets, their interfaces and comments are kept byte for byte.
[[nodiscard]] base::Result<void> read_pipe(store::Store& store, const Options& options, cli::Context& context,
                                           Importer& importer);

}  // namespace wl::pcapingest
