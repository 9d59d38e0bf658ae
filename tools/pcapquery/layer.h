#pragma once
// --layer: who the ends of a conversation are.
#include <string>

namespace CLI {
class App;
}

namespace wl::pcapquery {

class Query;

enum class Layer : uint8_t { eth, ip, tcp, udp };

/// Declares --layer.
void add_layer(CLI::App& app, Layer& layer);

[[nodiscard]] inline bool has_ports(Layer layer) { return layer == Layer::tcp || layer == Layer::udp; }

/// A query for who sent what to whom: s, s_port, d, d_port (ports are 0 where the layer has none),
/// out_packets and out_bytes from s to d, in_packets and in_bytes, flows (null of eth), first, last, first_n.
/// An end pair may have several rows. Outermost headers only: what is inside of tunnels is not in it.
/// `query` is open.
[[nodiscard]] std::string links_of(Layer layer, const Query& query);

/// "limit N"; of 0 nothing.
[[nodiscard]] std::string limit_text(uint64_t limit);

}  // namespace wl::pcapquery
