#include <array>

#include <CLI/CLI.hpp>

#include "libcommon/cli/options.h"
#include "tools/pcapquery/layer.h"
#include "tools/pcapquery/query.h"
#include "tools/pcapquery/verb.h"

namespace wl::pcapquery {
namespace {

using record::KeyInfo;
using record::Kind;

constexpr std::array<KeyInfo, 12> kKeys{{
    {"mac", Kind::mac, "", "--layer eth: its address"},
    {"ip", Kind::ip, "", "its address"},
    {"port", Kind::u16, "", "tcp, udp: its port"},
    {"packets", Kind::u64, "packets", "sent and received; one to itself is both", true},
    {"bytes", Kind::u64, "bytes", "sent and received, on the wire", true},
    {"out_packets", Kind::u64, "packets", "sent", true},
    {"out_bytes", Kind::u64, "bytes", "sent", true},
    {"in_packets", Kind::u64, "packets", "received", true},
    {"in_bytes", Kind::u64, "bytes", "received", true},
    {"first", Kind::time, "", "time of the first packet"},
    {"last", Kind::time, "", "time of the last packet"},
    {"duration_s", Kind::number, "s", "between them"},
}};
constexpr record::RecordType kType{"endpoint", "an address and what it sent and received", kKeys};
constexpr std::array<const record::RecordType*, 1> kTypes{&kType};

class Endpoints final : public Verb {
 public:
  void declare(CLI::App& app, Selection&) override {
    add_layer(app, layer_);
    cli::add_count(app, "-c,--limit", limit_, "the largest so many; 0: all");
  }

  base::Result<void> run(Query& query) override {
    if (const auto opened = query.open(); !opened) return opened;
    return query.answer(
        kType,
        "with links as (" + links_of(layer_, query) +
            "), ends as (select s as e, s_port as e_port, out_packets, out_bytes, in_packets, in_bytes,"
            " first, last from links union all select d, d_port, in_packets, in_bytes, out_packets,"
            " out_bytes, first, last from links), sums as (select e, e_port,"
            " sum(out_packets + in_packets) as packets, sum(out_bytes + in_bytes) as bytes,"
            " sum(out_packets) as out_packets, sum(out_bytes) as out_bytes,"
            " sum(in_packets) as in_packets, sum(in_bytes) as in_bytes, min(first) as first,"
            " max(last) as last from ends group by e, e_port) select e as " +
            key() +
            ", packets, bytes, out_packets, out_bytes, in_packets, in_bytes, first, last,"
            " (epoch_ns(last) - epoch_ns(first)) / 1e9 as duration_s"
            " from sums order by bytes desc, e, e_port" +
            limit_text(limit_));
  }

 private:
  [[nodiscard]] std::string key() const {
    if (layer_ == Layer::eth) return "mac";
    return has_ports(layer_) ? "ip, e_port as port" : "ip";
  }

  Layer layer_ = Layer::ip;
  uint64_t limit_ = 0;
};

}  // namespace

extern const VerbInfo kEndpoints;
const VerbInfo kEndpoints{"endpoints", "what each address sent and received", Takes::captures, kTypes,
                          make_verb<Endpoints>};

}  // namespace wl::pcapquery
