#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#include "tools/pcapquery/query.h"
#include "tools/pcapquery/verb.h"

namespace wl::pcapquery {
namespace {

using record::KeyInfo;
using record::Kind;

constexpr std::array<KeyInfo, 5> kKeys{{
    {"path", Kind::text, "", "the layers from the outermost to this one: eth:ip:tcp", true},
    {"layer", Kind::text, "", "the last of them", true},
    {"depth", Kind::u32, "", "how many they are", true},
    {"packets", Kind::u64, "packets", "that begin with these layers", true},
    {"bytes", Kind::u64, "bytes", "of these packets, on the wire", true},
}};
constexpr record::RecordType kType{"protocol", "a place in the hierarchy of protocols", kKeys};
constexpr std::array<const record::RecordType*, 1> kTypes{&kType};

/// A layer behind the same layers, with what is behind it.
struct Node {
  uint64_t packets = 0, bytes = 0;
  std::map<std::string, Node, std::less<>> next{};

  void add(std::string_view layers, uint64_t more_packets, uint64_t more_bytes) {
    Node* node = this;
    for (size_t at = 0; at <= layers.size();) {
      const size_t end = std::min(layers.find(':', at), layers.size());
      node = &node->next[std::string(layers.substr(at, end - at))];
      node->packets += more_packets;
      node->bytes += more_bytes;
      at = end + 1;
    }
  }
};

void write(const Node& parent, const std::string& above, uint32_t depth, Query& query) {
  std::vector<const std::pair<const std::string, Node>*> order;
  for (const auto& child : parent.next) order.push_back(&child);
  std::ranges::sort(order, [](const auto* a, const auto* b) {
    return std::tie(b->second.bytes, a->first) < std::tie(a->second.bytes, b->first);
  });
  for (const auto* const child : order) {
    const std::string path = above.empty() ? child->first : above + ":" + child->first;
    Object record(query.style(), kType.name);
    record.text("path", path);
    record.text("layer", child->first);
    record.number("depth", depth);
    record.number("packets", child->second.packets);
    record.number("bytes", child->second.bytes);
    if (!query.out().record(record.take())) return;
    write(child->second, path, depth + 1, query);
  }
}

class Protocols final : public Verb {
 public:
  void declare(CLI::App&, Selection&) override {}

  base::Result<void> run(Query& query) override {
    if (const auto opened = query.open(); !opened) return opened;
    Node root;
    const auto added = query.rows("select layers, sum(packets), sum(bytes) from " +
                                      query.sums_by_kind("count(*) as packets, sum(len) as bytes") +
                                      " where layers is not null and layers <> '' group by layers",
                                  {}, [&](const store::Rows& rows) {
                                    root.add(rows.text(0), rows.unsigned_number(1), rows.unsigned_number(2));
                                    return true;
                                  });
    if (!added) return added;
    write(root, "", 1, query);
    return {};
  }
};

}  // namespace

extern const VerbInfo kProtocols;
const VerbInfo kProtocols{"protocols", "the hierarchy of protocols", Takes::captures, kTypes,
                          make_verb<Protocols>};

}  // namespace wl::pcapquery
