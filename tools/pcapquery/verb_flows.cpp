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

constexpr std::array<KeyInfo, 27> kKeys{{
    {"file_id", Kind::text, "", "the capture"},
    {"at_file", Kind::text, "", "path of a capture that is in no store"},
    {"flow", Kind::u32, "", "its number in the capture, from 0", true},
    {"src_ip", Kind::ip, "", "who began it"},
    {"dst_ip", Kind::ip, "", "the other end"},
    {"proto", Kind::text, "", "protocol above IP, or arp, lldp; the number where it has no name"},
    {"src_port", Kind::u16, "", "port of src_ip"},
    {"dst_port", Kind::u16, "", "port of dst_ip"},
    {"packets", Kind::u64, "packets", "in both directions", true},
    {"bytes", Kind::u64, "bytes", "in both directions, on the wire", true},
    {"out_packets", Kind::u64, "packets", "from who began it", true},
    {"out_bytes", Kind::u64, "bytes", "from who began it", true},
    {"out_payload_bytes", Kind::u64, "bytes", "of these behind the transport headers", true},
    {"in_packets", Kind::u64, "packets", "to who began it", true},
    {"in_bytes", Kind::u64, "bytes", "to who began it", true},
    {"in_payload_bytes", Kind::u64, "bytes", "of these behind the transport headers", true},
    {"out_tcp_flags", Kind::tcp_flags, "", "all that were set on the way out"},
    {"in_tcp_flags", Kind::tcp_flags, "", "all that were set on the way back"},
    {"first", Kind::time, "", "time of the first packet"},
    {"last", Kind::time, "", "time of the last packet"},
    {"duration_s", Kind::number, "s", "between them"},
    {"first_n", Kind::u64, "", "ordinal of the first packet in the capture", true},
    {"reuse", Kind::u32, "", "so many connections between these ports came before it"},
    {"app", Kind::text, "", "application protocol that the bytes confirm"},
    {"app_port", Kind::text, "", "name of the service port, where app is absent"},
    {"name", Kind::text, "", "name that it carries: DNS query, TLS or QUIC server name, HTTP host"},
    {"community_id", Kind::text, "", "community id, version 1"},
}};
constexpr record::RecordType kType{"flow", "packets of the same addresses, ports and protocol", kKeys};
constexpr std::array<const record::RecordType*, 1> kTypes{&kType};

class Flows final : public Verb {
 public:
  void declare(CLI::App& app, Selection&) override {
    cli::add_count(app, "-c,--limit", limit_, "the first so many; 0: all");
  }

  base::Result<void> run(Query& query) override {
    if (const auto opened = query.open(); !opened) return opened;
    return query.answer(
        kType,
        "select file_id, flow, src_ip, dst_ip, proto, src_port, dst_port, out_packets + in_packets as "
        "packets,"
        " out_bytes + in_bytes as bytes, out_packets, out_bytes, out_payload as out_payload_bytes, "
        "in_packets,"
        " in_bytes, in_payload as in_payload_bytes, out_tcp_flags, in_tcp_flags, first, last,"
        " (epoch_ns(last) - epoch_ns(first)) / 1e9 as duration_s, first_n, nullif(reuse, 0) as reuse, app,"
        " if(app is null, app_port, null) as app_port, name, community_id"
        " from flows where not \"inner\" order by first, " +
            query.file_order() + ", flow" + limit_text(limit_));
  }

 private:
  uint64_t limit_ = 0;
};

}  // namespace

extern const VerbInfo kFlows;
const VerbInfo kFlows{"flows", "connections, both directions of each in one record", Takes::captures, kTypes,
                      make_verb<Flows>};

}  // namespace wl::pcapquery
