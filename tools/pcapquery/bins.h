#pragma once
// Traffic over time, in bins of the same length.
#include <cstdint>
#include <span>
#include <string>

#include "tools/pcapquery/query.h"

namespace wl::pcapquery {

/// The shortest length that people count in (1 ms, 2 ms, … 1 s, … 1 d, whole days) of which `most` bins hold
/// all from `first_ns` to `last_ns`.
[[nodiscard]] int64_t bin_for(int64_t first_ns, int64_t last_ns, uint64_t most);

/// The same for what the query has; 1 s where nothing has a time.
[[nodiscard]] base::Result<int64_t> bin_for(Query& query, uint64_t most);

/// A query for ts (nanoseconds since 1970, a multiple of the bin), until, packets and bytes, by ts; a bin
/// without packets has no row. `bin_ns` above 0.
[[nodiscard]] std::string bins_of(int64_t bin_ns);

}  // namespace wl::pcapquery
