#include <algorithm>
#include <array>
#include <map>

#include <CLI/CLI.hpp>

#include "libcommon/base/utf8.h"
#include "libcommon/capture/open.h"
#include "libcommon/capture/writer.h"
#include "libcommon/cli/options.h"
#include "libcommon/store/packet_bytes.h"
#include "tools/pcapquery/packet_source.h"
#include "tools/pcapquery/picked.h"
#include "tools/pcapquery/verb.h"

namespace wl::pcapquery {
namespace {

using record::KeyInfo;
using record::Kind;

constexpr std::array<KeyInfo, 4> kKeys{{
    {"file_id", Kind::text, "", "the capture"},
    {"at_file", Kind::text, "", "path of a capture that is in no store"},
    {"n", Kind::u64, "", "the packet; absent: no packet of the capture"},
    {"reason", Kind::text, "", "why", true},
}};
constexpr record::RecordType kType{"unexported", "what could not be written", kKeys};
constexpr std::array<const record::RecordType*, 1> kTypes{&kType};

enum class Format : uint8_t { by_name, pcapng, pcap };

class Export final : public Verb {
 public:
  void declare(CLI::App& app, Selection&) override {
    cli::add_text(app, "-w,--write", path_, "FILE", "the new capture; -: standard output")->required();
    cli::add_choice(app, "--format", format_,
                    {{"by-name", Format::by_name}, {"pcapng", Format::pcapng}, {"pcap", Format::pcap}},
                    "of the file; by-name: pcap where it ends so, else pcapng");
    cli::add_text(app, "-Y,--where", where_, "FILTER", "packets that pass a display filter");
    cli::add_count(app, "-c,--limit", limit_, "the first so many; 0: all");
  }

  /// "export - …" takes packet records from standard input: the packets that they name.
  base::Result<void> run(Query& query) override {
    const auto where = read_where(where_);
    if (!where) return std::unexpected(where.error());
    const auto& files = query.selection().files;
    const bool from_records = files.size() == 1 && files.front() == "-";
    if (from_records && (*where || limit_ != 0))
      return base::fail("export -: the records say which packets",
                        "--where and --limit belong to pcapquery packets", base::Exit::usage);
    auto picked = from_records ? read_picked(query) : select(query, *where ? &**where : nullptr);
    if (!picked) return std::unexpected(picked.error());
    auto written = write(query, *picked);
    if (written || path_ != "-") return written;
    query.fault(written.error().line());  // no record of it behind the capture's bytes
    return {};
  }

 private:
  [[nodiscard]] capture::Format format() const {
    const bool pcap = format_ == Format::pcap || (format_ == Format::by_name && path_.ends_with(".pcap"));
    return pcap ? capture::Format::pcap : capture::Format::pcapng;
  }

  base::Result<std::vector<Picked>> select(Query& query, const filter::Filter* where) const {
    if (const auto opened = query.open_whole(); !opened) return std::unexpected(opened.error());
    auto packets = store::PacketQuery::open(query.reader(), selection_of(query, where), {.limit = limit_});
    if (!packets) return std::unexpected(query.watch().explain(packets.error()));
    std::vector<Picked> all;
    store::Hits hits;
    for (;;) {
      const auto more = packets->next(hits);
      if (!more) return std::unexpected(query.watch().explain(more.error()));
      if (!*more) return all;
      if (all.empty() || all.back().capture.folder != hits.capture->folder)
        all.push_back({*hits.capture, {}});
      all.back().n.insert(all.back().n.end(), hits.n.begin(), hits.n.end());
    }
  }

  base::Result<void> write(Query& query, const std::vector<Picked>& picked) {
    capture::WriterOptions options{.path = path_, .format = format(), .application = "pcapquery (wireline)"};
    for (const Picked& from : picked) options.read.push_back(from.capture.original);
    auto writer = capture::Writer::open(std::move(options));
    if (!writer) return std::unexpected(writer.error());
    for (const Picked& from : picked)
      if (const auto written = copy(query, from, **writer); !written) return written;
    static const std::vector<capture::Interface> kNone;
    return (*writer)->close(kNone);
  }

  /// The packets in the order of the capture, with all that its file says of them.
  base::Result<void> copy(Query& query, const Picked& from, capture::Writer& writer) {
    if (const auto usable = store::PacketBytes::open(from.capture); !usable) {
      tell(query, from.capture, std::nullopt, usable.error().line());
      return {};
    }
    const auto source = capture::open_file(from.capture.original);
    if (!source) {
      tell(query, from.capture, std::nullopt, source.error().line());
      return {};
    }
    capture::Frame frame;
    uint64_t ordinal = 0;
    std::string end = "the capture has no such packet";
    for (auto wanted = from.n.begin(); wanted != from.n.end();) {
      if (query.asker().is_unwanted()) return base::fail("interrupted");
      const auto next = (*source)->next(frame);
      if (!next) end = next.error().line();
      if (!next || *next == capture::Next::end) {
        for (; wanted != from.n.end(); ++wanted) tell(query, from.capture, *wanted, end);
        break;
      }
      if (++ordinal != *wanted) continue;
      ++wanted;
      if (const auto written = writer.write(frame, (*source)->interfaces()); !written) return written;
      if (writer.reader_gone()) return {};
    }
    writer.next_source();
    return {};
  }

  /// With "-w -" standard output has the capture's bytes.
  void tell(Query& query, const store::Capture& capture, std::optional<uint64_t> n,
            const std::string& reason) {
    Object object(query.style(), kType.name);
    if (!capture.file_id.empty()) object.text("file_id", capture.file_id);
    if (capture.file_id.empty()) object.text("at_file", base::utf8_text(capture.name));
    if (n) object.number("n", *n);
    object.text("reason", base::utf8_text(reason));
    if (path_ != "-") query.out().record(object.take());
    query.fault(capture.name + (n ? ": packet " + std::to_string(*n) : "") + ": not exported: " + reason);
  }

  std::string path_, where_;
  Format format_ = Format::by_name;
  uint64_t limit_ = 0;
};

}  // namespace

extern const VerbInfo kExport;
const VerbInfo kExport{"export", "packets into a new capture", Takes::captures, kTypes, make_verb<Export>,
                       false};

}  // namespace wl::pcapquery
