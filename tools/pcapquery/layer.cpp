#include "tools/pcapquery/layer.h"

#include "libcommon/cli/options.h"
#include "tools/pcapquery/query.h"

namespace wl::pcapquery {

void add_layer(CLI::App& app, Layer& layer) {
  cli::add_choice(app, "--layer", layer,
                  {{"eth", Layer::eth}, {"ip", Layer::ip}, {"tcp", Layer::tcp}, {"udp", Layer::udp}},
                  "whose addresses are the ends");
}

std::string links_of(Layer layer, const Query& query) {
  if (layer == Layer::eth)
    return "select eth_src as s, 0 as s_port, eth_dst as d, 0 as d_port, sum(packets) as out_packets,"
           " sum(bytes) as out_bytes, 0 as in_packets, 0 as in_bytes, null::bigint as flows,"
           " min(first) as first, max(last) as last, min(first_n) as first_n"
           " from " +
           query.sums_by_kind(
               "count(*) as packets, sum(len) as bytes, min(ts) as first, max(ts) as last, min(n) as "
               "first_n") +
           " where eth_src is not null and eth_dst is not null group by eth_src, eth_dst";
  std::string links =
      "select src_ip as s, dst_ip as d, out_packets, out_bytes, in_packets, in_bytes,"
      " 1 as flows, first, last, first_n, ";
  links += has_ports(layer) ? "src_port as s_port, dst_port as d_port" : "0 as s_port, 0 as d_port";
  links += " from flows where not \"inner\" and src_ip is not null and dst_ip is not null";
  if (has_ports(layer)) links += " and src_port is not null and proto = ";
  if (layer == Layer::tcp) links += "'tcp'";
  if (layer == Layer::udp) links += "'udp'";
  return links;
}

std::string limit_text(uint64_t limit) { return limit == 0 ? "" : " limit " + std::to_string(limit); }

}  // namespace wl::pcapquery
