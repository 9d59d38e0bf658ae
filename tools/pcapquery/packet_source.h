#pragma once
// The packets that a verb is asked for.
#include <functional>
#include <optional>
#include <string>

#include "libcommon/filter/filter.h"
#include "libcommon/store/packet_query.h"
#include "libcommon/store/stored_packets.h"
#include "tools/pcapquery/query.h"

namespace wl::pcapquery {

/// --where, read; nothing where it is empty. Exit::usage.
[[nodiscard]] base::Result<std::optional<filter::Filter>> read_where(const std::string& where);

/// The packets that pass, in the query's span; the query was opened whole.
[[nodiscard]] inline store::Selection selection_of(const Query& query, const filter::Filter* where) {
  return {where, query.span().since, query.span().until};
}

/// Calls `visit` with each packet that the page has, capture by capture, by n; it says false to end.
/// `query` is open.
[[nodiscard]] base::Result<void> each_packet(Query& query, store::PacketQuery& packets,
                                             const store::StoredPackets::Options& options,
                                             const std::function<bool(const store::StoredPackets&)>& visit);

}  // namespace wl::pcapquery
