#pragma once
// Packets that records on standard input name.
#include <cstdint>
#include <vector>

#include "tools/pcapquery/query.h"

namespace wl::pcapquery {

/// Packets of one capture, by n, each once.
struct Picked {
  store::Capture capture{};
  std::vector<uint64_t> n{};
};

/// Reads records with `n` and `file_id` or `at_file`, as pcapquery and netsniff write them, to the end. The
/// captures come in the order in which they are first named. A line that names no packet, or a capture that
/// is not there, is a fault of the query; the rest is read.
[[nodiscard]] base::Result<std::vector<Picked>> read_picked(Query& query);

}  // namespace wl::pcapquery
