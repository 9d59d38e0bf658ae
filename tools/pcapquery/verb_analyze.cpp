#include <array>

#include "libcommon/base/time.h"
#include "libcommon/base/utf8.h"
#include "tools/pcapquery/bins.h"
#include "tools/pcapquery/query.h"
#include "tools/pcapquery/verb.h"

namespace wl::pcapquery {
namespace {

using base::Result;
using record::KeyInfo;
using record::Kind;

constexpr std::array<KeyInfo, 5> kProtocolKeys{{
    {"proto", Kind::text, "", "protocol above IP, or arp, lldp; other: all beyond the largest", true},
    {"port", Kind::u16, "", "service port: destination of the SYN, else the one with a name, else the lower"},
    {"packets", Kind::u64, "packets", "in both directions", true},
    {"bytes", Kind::u64, "bytes", "on the wire", true},
    {"share", Kind::number, "", "of all bytes, 0 to 1", true},
}};
constexpr std::array<KeyInfo, 4> kAddressKeys{{
    {"ip", Kind::ip, "", "its address", true},
    {"packets", Kind::u64, "packets", "sent, or received", true},
    {"bytes", Kind::u64, "bytes", "sent, or received, on the wire", true},
    {"share", Kind::number, "", "of all bytes, 0 to 1", true},
}};
constexpr std::array<KeyInfo, 3> kTimelineKeys{{
    {"ts", Kind::time, "", "beginning of the bin", true},
    {"packets", Kind::u64, "packets", "in the bin", true},
    {"bytes", Kind::u64, "bytes", "of these, on the wire", true},
}};
constexpr std::array<KeyInfo, 22> kKeys{{
    {"file_id", Kind::text, "", "the capture, if it is one"},
    {"at_file", Kind::text, "", "path of a capture that is in no store, if it is one"},
    {"file_ids", Kind::text_list, "", "of several, those in the store"},
    {"at_files", Kind::text_list, "", "of several, the paths of those in no store"},
    {"packets", Kind::u64, "packets", "in all", true},
    {"bytes", Kind::u64, "bytes", "of all packets, on the wire", true},
    {"first", Kind::time, "", "time of the first packet"},
    {"last", Kind::time, "", "time of the last packet"},
    {"duration_s", Kind::number, "s", "between them"},
    {"packets_per_s", Kind::number, "packets/s", "over duration_s"},
    {"bytes_per_s", Kind::number, "bytes/s", "over duration_s"},
    {"mean_len", Kind::number, "bytes", "mean length of a packet on the wire"},
    {"flows", Kind::u64, "flows", "in all", true},
    {"tcp_flows", Kind::u64, "flows", "of TCP", true},
    {"udp_flows", Kind::u64, "flows", "of UDP", true},
    {"malformed_packets", Kind::u64, "packets", "whose bytes contradict themselves", true},
    {"truncated_packets", Kind::u64, "packets", "that the capture cut in a header", true},
    {"protocols", Kind::object_list, "", "the largest 32 protocols by bytes", true, kProtocolKeys},
    {"sources", Kind::object_list, "", "the 10 addresses that sent most", true, kAddressKeys},
    {"destinations", Kind::object_list, "", "the 10 addresses that received most", true, kAddressKeys},
    {"bin_s", Kind::number, "s", "length of the timeline's bins", true},
    {"timeline", Kind::object_list, "", "bins of time in which there were packets, at most 60", true,
     kTimelineKeys},
}};
constexpr record::RecordType kType{"analysis", "what is in the captures, at a glance", kKeys};
constexpr std::array<const record::RecordType*, 1> kTypes{&kType};

constexpr uint64_t kMostBins = 60;

struct Totals {
  uint64_t packets = 0, bytes = 0, malformed = 0, truncated = 0, flows = 0, tcp = 0, udp = 0;
  bool timed = false;
  int64_t first = 0, last = 0;
};

Result<Totals> count(Query& query) {
  Totals totals;
  const auto packets = query.rows(
      "select count(*), sum(len), min(ts), max(ts), count(malformed_at), count(truncated_at) from packets",
      {}, [&](const store::Rows& rows) {
        totals.packets = rows.unsigned_number(0);
        totals.bytes = rows.unsigned_number(1);
        totals.timed = !rows.null(2);
        totals.first = rows.number(2);
        totals.last = rows.number(3);
        totals.malformed = rows.unsigned_number(4);
        totals.truncated = rows.unsigned_number(5);
        return true;
      });
  if (!packets) return std::unexpected(packets.error());
  const auto flows = query.rows(
      "select count(*), count(*) filter (proto = 'tcp'), count(*) filter (proto = 'udp')"
      " from flows where not \"inner\"",
      {}, [&](const store::Rows& rows) {
        totals.flows = rows.unsigned_number(0);
        totals.tcp = rows.unsigned_number(1);
        totals.udp = rows.unsigned_number(2);
        return true;
      });
  if (!flows) return std::unexpected(flows.error());
  return totals;
}

void put_captures(Object& record, const std::vector<store::Capture>& captures) {
  std::vector<std::string_view> ids;
  std::vector<std::string> paths;
  for (const store::Capture& capture : captures) {
    if (capture.file_id.empty())
      paths.push_back(base::wire_text(capture.name));
    else
      ids.push_back(capture.file_id);
  }
  if (captures.size() == 1)
    return ids.empty() ? record.text("at_file", paths[0]) : record.text("file_id", ids[0]);
  if (!ids.empty()) record.texts("file_ids", ids);
  if (!paths.empty()) record.texts("at_files", {paths.begin(), paths.end()});
}

void put_totals(Object& record, const Totals& totals) {
  record.number("packets", totals.packets);
  record.number("bytes", totals.bytes);
  if (totals.timed) {
    const double seconds = static_cast<double>(totals.last - totals.first) / base::kSecond;
    record.time("first", totals.first);
    record.time("last", totals.last);
    record.real("duration_s", seconds);
    if (seconds > 0) {
      record.real("packets_per_s", static_cast<double>(totals.packets) / seconds);
      record.real("bytes_per_s", static_cast<double>(totals.bytes) / seconds);
    }
  }
  if (totals.packets != 0)
    record.real("mean_len", static_cast<double>(totals.bytes) / static_cast<double>(totals.packets));
  record.number("flows", totals.flows);
  record.number("tcp_flows", totals.tcp);
  record.number("udp_flows", totals.udp);
  record.number("malformed_packets", totals.malformed);
  record.number("truncated_packets", totals.truncated);
}

/// "packets, bytes, share" of sums over flows.
constexpr const char* kShares =
    "sum(p)::ubigint as packets, sum(b)::ubigint as bytes, if(? = 0, 0, sum(b) / ?::double) as share";

const std::string kProtocols =
    "with sums as (select proto, dst_port as port, sum(out_packets + in_packets) as p,"
    " sum(out_bytes + in_bytes) as b from flows where not \"inner\" and proto is not null group by all),"
    " ranked as (select *, row_number() over (order by b desc, proto, port) <= 32 as large from sums)"
    " select if(large, proto, 'other') as proto, if(large, port, null) as port, " +
    std::string(kShares) + " from ranked group by 1, 2, large order by large desc, bytes desc, 1, 2";

std::string addresses(const std::string& end, const std::string& sent, const std::string& other,
                      const std::string& received) {
  const std::string from = " from flows where not \"inner\" and src_ip is not null and dst_ip is not null";
  return "select ip, " + std::string(kShares) + " from (select " + end + " as ip, " + sent +
         "_packets as p, " + sent + "_bytes as b" + from + " union all select " + other + ", " + received +
         "_packets, " + received + "_bytes" + from +
         ") group by ip having sum(p) > 0 order by bytes desc, ip limit 10";
}

class Analyze final : public Verb {
 public:
  void declare(CLI::App&, Selection&) override {}

  Result<void> run(Query& query) override {
    if (const auto opened = query.open(); !opened) return opened;
    const auto totals = count(query);
    if (!totals) return std::unexpected(totals.error());
    Object record(query.style(), kType.name);
    put_captures(record, query.reader().captures());
    put_totals(record, *totals);
    const std::vector<store::Value> all{totals->bytes, totals->bytes};
    const int64_t bin = totals->timed ? bin_for(totals->first, totals->last, kMostBins) : base::kSecond;
    const auto put = [&](std::string_view key, std::span<const KeyInfo> keys, const std::string& sql,
                         const std::vector<store::Value>& values) -> Result<void> {
      const auto list = query.list(keys, sql, values);
      if (!list) return std::unexpected(list.error());
      record.json(key, *list);
      return {};
    };
    if (const auto done = put("protocols", kProtocolKeys, kProtocols, all); !done) return done;
    if (const auto done = put("sources", kAddressKeys, addresses("src_ip", "out", "dst_ip", "in"), all);
        !done)
      return done;
    if (const auto done = put("destinations", kAddressKeys, addresses("dst_ip", "out", "src_ip", "in"), all);
        !done)
      return done;
    record.real("bin_s", static_cast<double>(bin) / base::kSecond);
    const std::string bins = "select ts, packets, bytes from (" + bins_of(bin) + ") order by ts";
    if (const auto done = put("timeline", kTimelineKeys, bins, {}); !done) return done;
    query.out().record(record.take());
    return {};
  }
};

}  // namespace

extern const VerbInfo kAnalyze;
const VerbInfo kAnalyze{"analyze", "what is in the captures, at a glance", Takes::captures, kTypes,
                        make_verb<Analyze>};

}  // namespace wl::pcapquery
