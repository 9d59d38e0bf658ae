#include <array>
#include <map>

#include <CLI/CLI.hpp>

#include "libcommon/cli/options.h"
#include "libcommon/record/values.h"
#include "tools/pcapquery/layer.h"
#include "tools/pcapquery/query.h"
#include "tools/pcapquery/verb.h"

namespace wl::pcapquery {
namespace {

using base::Result;
using record::KeyInfo;
using record::Kind;

constexpr std::array<KeyInfo, 16> kConversationKeys{{
    {"eth_src", Kind::mac, "", "--layer eth: the end whose address is the lower"},
    {"eth_dst", Kind::mac, "", "--layer eth: the other end"},
    {"src_ip", Kind::ip, "", "--layer ip: the end whose address is the lower; tcp, udp: who began"},
    {"dst_ip", Kind::ip, "", "the other end"},
    {"src_port", Kind::u16, "", "tcp, udp: port of src_ip"},
    {"dst_port", Kind::u16, "", "tcp, udp: port of dst_ip"},
    {"packets", Kind::u64, "packets", "in both directions", true},
    {"bytes", Kind::u64, "bytes", "in both directions, on the wire", true},
    {"out_packets", Kind::u64, "packets", "from the end that is named first", true},
    {"out_bytes", Kind::u64, "bytes", "from the end that is named first", true},
    {"in_packets", Kind::u64, "packets", "to the end that is named first", true},
    {"in_bytes", Kind::u64, "bytes", "to the end that is named first", true},
    {"flows", Kind::u64, "flows", "so many make it up; not of eth"},
    {"first", Kind::time, "", "time of the first packet"},
    {"last", Kind::time, "", "time of the last packet"},
    {"duration_s", Kind::number, "s", "between them"},
}};
constexpr record::RecordType kConversationType{"conversation", "two ends and what they sent each other",
                                               kConversationKeys};

constexpr std::array<KeyInfo, 3> kNodeKeys{{
    {"id", Kind::text, "", "address, with its port for tcp and udp", true},
    {"packets", Kind::u64, "packets", "of its edges", true},
    {"bytes", Kind::u64, "bytes", "of its edges", true},
}};
constexpr std::array<KeyInfo, 4> kEdgeKeys{{
    {"source", Kind::text, "", "id of the end that the conversation names first", true},
    {"target", Kind::text, "", "id of the other end", true},
    {"packets", Kind::u64, "packets", "in both directions", true},
    {"bytes", Kind::u64, "bytes", "in both directions", true},
}};
constexpr std::array<KeyInfo, 2> kGraphKeys{{
    {"nodes", Kind::object_list, "", "the ends, in the order of the edges", true, kNodeKeys},
    {"edges", Kind::object_list, "", "the conversations, the largest first", true, kEdgeKeys},
}};
constexpr record::RecordType kGraphType{"graph", "--graph: conversations as nodes and edges", kGraphKeys};
constexpr std::array<const record::RecordType*, 2> kTypes{&kConversationType, &kGraphType};

/// Without --limit: what a browser can draw, and a line can hold.
constexpr uint64_t kGraphEdges = 1000;

/// The ends as s and d with their ports, and what went between them.
std::string conversations_of(Layer layer, uint64_t limit, const Query& query) {
  const std::string turn = has_ports(layer) ? "b_began" : "false";
  const auto end = [&](const std::string& of, const std::string& other, const std::string& name) {
    return "if(" + turn + ", " + other + ", " + of + ") as " + name + ", ";
  };
  return "with turned as (select *, (s, s_port) > (d, d_port) as swap from (" + links_of(layer, query) +
         ")), sums as (select if(swap, d, s) as a, if(swap, d_port, s_port) as a_port, if(swap, s, d) as b,"
         " if(swap, s_port, d_port) as b_port, arg_min(swap, first_n) as b_began,"
         " sum(out_packets + in_packets) as packets, sum(out_bytes + in_bytes) as bytes,"
         " sum(if(swap, in_packets, out_packets)) as a_packets, sum(if(swap, in_bytes, out_bytes)) as "
         "a_bytes,"
         " sum(flows) as flows, min(first) as first, max(last) as last from turned group by a, a_port, b, "
         "b_port)"
         " select " +
         end("a", "b", "s") + end("b", "a", "d") + end("a_port", "b_port", "s_port") +
         end("b_port", "a_port", "d_port") + "packets, bytes, " +
         end("a_packets", "packets - a_packets", "out_packets") +
         end("a_bytes", "bytes - a_bytes", "out_bytes") +
         end("packets - a_packets", "a_packets", "in_packets") +
         end("bytes - a_bytes", "a_bytes", "in_bytes") +
         "flows, first, last, (epoch_ns(last) - epoch_ns(first)) / 1e9 as duration_s"
         " from sums order by bytes desc, s, s_port, d, d_port" +
         limit_text(limit);
}

/// The two ends as keys of the record.
std::string named_ends(Layer layer) {
  if (layer == Layer::eth) return "s as eth_src, d as eth_dst";
  const std::string addresses = "s as src_ip, d as dst_ip";
  return has_ports(layer) ? addresses + ", s_port as src_port, d_port as dst_port" : addresses;
}

class Graph {
 public:
  explicit Graph(Layer layer) : layer_(layer) {}

  void add(const store::Rows& rows) {
    const std::string source = id(rows, 0, 2), target = id(rows, 1, 3);
    const uint64_t packets = rows.unsigned_number(4), bytes = rows.unsigned_number(5);
    for (const std::string& end : source == target ? std::vector{source} : std::vector{source, target}) {
      const auto [node, is_new] = places_.emplace(end, nodes_.size());
      if (is_new) nodes_.push_back({end});
      nodes_[node->second].packets += packets;
      nodes_[node->second].bytes += bytes;
    }
    Object edge(style_);
    edge.text("source", source);
    edge.text("target", target);
    edge.number("packets", packets);
    edge.number("bytes", bytes);
    edges_.push_back(edge.take());
  }

  [[nodiscard]] std::string record() const {
    std::vector<std::string> nodes;
    for (const Node& node : nodes_) {
      Object object(style_);
      object.text("id", node.id);
      object.number("packets", node.packets);
      object.number("bytes", node.bytes);
      nodes.push_back(object.take());
    }
    Object graph(style_, kGraphType.name);
    graph.json("nodes", json_array(nodes));
    graph.json("edges", json_array(edges_));
    return graph.take();
  }

 private:
  struct Node {
    std::string id;
    uint64_t packets = 0, bytes = 0;
  };

  [[nodiscard]] std::string id(const store::Rows& rows, size_t address, size_t port) const {
    if (layer_ == Layer::eth) return record::mac_text(rows.unsigned_number(address));
    std::string ip = record::ip_text(rows.text(address));
    if (!has_ports(layer_)) return ip;
    const bool is_v6 = ip.find(':') != std::string::npos;
    return (is_v6 ? "[" + ip + "]" : ip) + ":" + std::to_string(rows.number(port));
  }

  Layer layer_;
  Style style_;
  std::vector<Node> nodes_;
  std::map<std::string, size_t> places_;
  std::vector<std::string> edges_;
};

class Conversations final : public Verb {
 public:
  void declare(CLI::App& app, Selection&) override {
    add_layer(app, layer_);
    cli::add_count(app, "-c,--limit", limit_, "the largest so many; 0: all, of --graph 1000");
    cli::add_switch(app, "--graph", graph_, "one record with nodes and edges");
  }

  Result<void> run(Query& query) override {
    if (const auto opened = query.open(); !opened) return opened;
    if (graph_) return draw(query);
    const std::string sums =
        "packets, bytes, out_packets, out_bytes, in_packets, in_bytes, flows, first, last,"
        " duration_s";
    return query.answer(kConversationType, "select " + named_ends(layer_) + ", " + sums + " from (" +
                                               conversations_of(layer_, limit_, query) + ")");
  }

 private:
  Result<void> draw(Query& query) const {
    Graph graph(layer_);
    const auto drawn =
        query.rows("select s, d, s_port, d_port, packets, bytes from (" +
                       conversations_of(layer_, limit_ == 0 ? kGraphEdges : limit_, query) + ")",
                   {}, [&](const store::Rows& rows) {
                     graph.add(rows);
                     return true;
                   });
    if (drawn) query.out().record(graph.record());
    return drawn;
  }

  Layer layer_ = Layer::ip;
  uint64_t limit_ = 0;
  bool graph_ = false;
};

}  // namespace

extern const VerbInfo kConversations;
const VerbInfo kConversations{"conversations", "who talks with whom", Takes::captures, kTypes,
                              make_verb<Conversations>};

}  // namespace wl::pcapquery
