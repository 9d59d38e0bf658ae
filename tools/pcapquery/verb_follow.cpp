#include <array>

#include <CLI/CLI.hpp>

#include "libcommon/base/utf8.h"
#include "libcommon/cli/options.h"
#include "libcommon/ndjson/text.h"
#include "tools/pcapquery/follow.h"
#include "tools/pcapquery/packet_source.h"
#include "tools/pcapquery/verb.h"

namespace wl::pcapquery {
namespace {

using record::Field;
using record::KeyInfo;
using record::Kind;

constexpr std::array<KeyInfo, 7> kKeys{{
    {"ts", Kind::time, "", "time of the packet"},
    {"n", Kind::u64, "", "ordinal of the packet that the bytes were in", true},
    {"dir", Kind::text, "", "out: from src_ip of the flow; in: to it", true},
    {"offset", Kind::u64, "bytes", "of the first of them in what this end sent", true},
    {"bytes", Kind::u64, "bytes", "how many there are, or are missing", true},
    {"payload", Kind::base64, "", "the bytes; absent: the capture has them not"},
    {"text", Kind::text, "", "--text: the bytes as text, others than UTF-8 as \\xNN"},
}};
constexpr record::RecordType kType{"stream", "bytes of a connection, in order, without what came twice",
                                   kKeys};
constexpr std::array<const record::RecordType*, 1> kTypes{&kType};

constexpr uint8_t kSyn = 0x02, kAck = 0x10;

std::string base64(std::span<const uint8_t> bytes) {
  std::string text(ndjson::base64_room(bytes.size()), '\0');
  text.resize(static_cast<size_t>(ndjson::put_base64(text.data(), bytes) - text.data()));
  return text;
}

std::string_view view(std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class Follow final : public Verb {
 public:
  void declare(CLI::App& app, Selection& selection) override {
    add_file(app, selection);
    app.add_option("flow", flow_, "which: its number, as in flows")->type_name("FLOW");
    cli::add_count(app, "--packet", packet_, "the flow of packet N", 1);
    cli::add_switch(app, "--text", text_, "the bytes as text, not as base64");
    cli::add_choice(app, "--side", side_, {{"both", Side::both}, {"out", Side::out}, {"in", Side::in}},
                    "whose bytes");
    cli::add_switch(app, "--raw", raw_, "write the bytes themselves, of one side");
  }

  base::Result<void> run(Query& query) override {
    if (flow_.has_value() == (packet_ != 0))
      return base::fail("follow: needs the number of a flow, or --packet N", "pcapquery flows",
                        base::Exit::usage);
    if (raw_ && side_ == Side::both)
      return base::fail("--raw: bytes of both sides would mix", "--side out, or --side in",
                        base::Exit::usage);
    if (raw_ && !query.out().raw({}))
      return base::fail("--raw: bytes cannot go where this answer goes", "without --raw", base::Exit::usage);
    if (const auto opened = query.open(); !opened) return opened;
    const auto flow = number(query);
    if (!flow) return std::unexpected(flow.error());
    return write(query, *flow);
  }

 private:
  enum class Side : uint8_t { both, out, in };

  base::Result<uint32_t> number(Query& query) {
    const std::string sql = flow_ ? "select flow from flows where flow = ? and not \"inner\""
                                  : "select flow from packets where n = ? and flow is not null";
    std::optional<uint32_t> found;
    const auto asked = query.rows(sql, {flow_ ? uint64_t{*flow_} : packet_}, [&](const store::Rows& row) {
      found = static_cast<uint32_t>(row.unsigned_number(0));
      return false;
    });
    if (!asked) return std::unexpected(asked.error());
    if (!found)
      return base::fail(query.reader().captures().front().name + ": has no such flow",
                        "pcapquery flows lists them", base::Exit::no);
    return *found;
  }

  base::Result<void> write(Query& query, uint32_t flow) {
    const store::Capture& capture = query.reader().captures().front();
    std::vector<uint64_t> numbers;
    std::vector<bool> reverse;
    const auto listed = query.rows("select n, reverse from packets where flow = ? order by n",
                                   {uint64_t{flow}}, [&](const store::Rows& row) {
                                     numbers.push_back(row.unsigned_number(0));
                                     reverse.push_back(row.number(1) != 0);
                                     return true;
                                   });
    if (!listed) return listed;
    const record::FieldSet wanted{Field::proto,   Field::tcp_seq,     Field::tcp_ack, Field::tcp_flags,
                                  Field::payload, Field::payload_len, Field::src_port};
    auto packets = store::StoredPackets::open(query.reader(), capture, {wanted, nullptr});
    if (!packets) return std::unexpected(packets.error());
    constexpr size_t kAtOnce = 4096;
    for (size_t at = 0; at < numbers.size(); at += kAtOnce) {
      const auto some = std::span(numbers).subspan(at, std::min(kAtOnce, numbers.size() - at));
      if (const auto asked = packets->ask(some); !asked) return asked;
      for (size_t i = at;; ++i) {
        const auto found = packets->next();
        if (!found) return std::unexpected(query.watch().explain(found.error()));
        if (!*found) break;
        take(query, packets->packet(), reverse[i]);
      }
    }
    for (const bool in : {false, true})
      directions_.at(in).finish([&](const Piece& piece) { give(query, piece, in); });
    return {};
  }

  void take(Query& query, const record::Packet& packet, bool in) {
    const auto has = [&](Field field) { return packet.present.has(field); };
    if (!has(Field::payload_len)) return;
    const Segment segment{packet.tcp_seq,
                          has(Field::tcp_flags) && (packet.tcp_flags & kSyn) != 0,
                          has(Field::payload) ? packet.payload : std::span<const uint8_t>{},
                          packet.payload_len,
                          packet.n,
                          packet.time_ns,
                          packet.has_time};
    const auto give_it = [&](const Piece& piece) { give(query, piece, in); };
    if (has(Field::tcp_ack) && has(Field::tcp_flags) && (packet.tcp_flags & kAck) != 0)
      directions_.at(!in).acknowledged(packet.tcp_ack, [&](const Piece& piece) { give(query, piece, !in); });
    if (has(Field::tcp_seq)) return directions_.at(in).add(segment, give_it);
    // Datagrams are their own order.
    if (segment.length == 0) return;
    give_it({sent_.at(in), segment.bytes, 0, segment.n, segment.time_ns, segment.has_time});
    sent_.at(in) += segment.length;
  }

  void give(Query& query, const Piece& piece, bool in) const {
    if (side_ != Side::both && (side_ == Side::in) != in) return;
    if (raw_) {
      query.out().raw(view(piece.bytes));
      return;
    }
    Object object(query.style(), kType.name);
    if (piece.has_time) object.time("ts", piece.time_ns);
    object.number("n", piece.n);
    object.text("dir", in ? "in" : "out");
    object.number("offset", piece.offset);
    object.number("bytes", piece.missing != 0 ? piece.missing : piece.bytes.size());
    if (piece.missing == 0 && !text_) object.text("payload", base64(piece.bytes));
    if (piece.missing == 0 && text_) object.text("text", base::wire_text(view(piece.bytes)));
    query.out().record(object.take());
  }

  std::optional<uint32_t> flow_;
  uint64_t packet_ = 0;
  Side side_ = Side::both;
  bool text_ = false, raw_ = false;
  std::array<Direction, 2> directions_;
  std::array<uint64_t, 2> sent_{};
};

}  // namespace

extern const VerbInfo kFollow;
const VerbInfo kFollow{"follow", "what both ends of a connection sent, in order", Takes::owner, kTypes,
                       make_verb<Follow>};

}  // namespace wl::pcapquery
