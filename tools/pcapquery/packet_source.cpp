#include "tools/pcapquery/packet_source.h"

namespace wl::pcapquery {

base::Result<std::optional<filter::Filter>> read_where(const std::string& where) {
  if (where.empty()) return std::nullopt;
  auto filter = filter::Filter::parse(where);
  if (!filter) {
    base::Error error = filter.error();
    error.exit = base::Exit::usage;
    return base::with_context("--where", std::move(error));
  }
  return std::move(*filter);
}

base::Result<void> each_packet(Query& query, store::PacketQuery& packets,
                               const store::StoredPackets::Options& options,
                               const std::function<bool(const store::StoredPackets&)>& visit) {
  store::Hits hits;
  const store::Capture* capture = nullptr;
  std::optional<store::StoredPackets> source;
  for (;;) {
    const auto more = packets.next(hits);
    if (!more) return std::unexpected(query.watch().explain(more.error()));
    if (!*more) return {};
    if (capture != hits.capture) {
      auto opened = store::StoredPackets::open(query.reader(), *hits.capture, options);
      if (!opened) return std::unexpected(opened.error());
      source.emplace(std::move(*opened));
      capture = hits.capture;
    }
    if (const auto asked = source->ask(hits.n); !asked) return asked;
    for (;;) {
      const auto found = source->next();
      if (!found) return std::unexpected(query.watch().explain(found.error()));
      if (!*found) break;
      if (!visit(*source)) return {};
    }
  }
}

}  // namespace wl::pcapquery
