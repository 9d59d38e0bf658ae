#include <array>

#include <CLI/CLI.hpp>

#include "libcommon/base/services.h"
#include "libcommon/base/units.h"
#include "libcommon/cli/options.h"
#include "libcommon/record/field_selection.h"
#include "libcommon/record/packet_writer.h"
#include "tools/pcapquery/packet_source.h"
#include "tools/pcapquery/verb.h"

namespace wl::pcapquery {
namespace {

using record::Field;
using record::KeyInfo;
using record::Kind;

constexpr std::array<KeyInfo, 2> kPageKeys{{
    {"total", Kind::u64, "packets", "so many pass, whatever the page", true},
    {"next", Kind::text, "", "what --after takes for the page behind this one; none: this is the last"},
}};
constexpr record::RecordType kPageType{"page", "--page: what lies around the packets written", kPageKeys};
constexpr std::array<const record::RecordType*, 2> kTypes{&record::kPacketType, &kPageType};

class Packets final : public Verb {
 public:
  void declare(CLI::App& app, Selection&) override {
    cli::add_text(app, "-Y,--where", where_, "FILTER", "packets that pass a display filter");
    cli::add_count(app, "-c,--limit", page_.limit, "the first so many; 0: all");
    cli::add_count(app, "--offset", page_.offset, "pass over so many");
    cli::add_text(app, "--after", after_, "N", "begin behind packet N; of several captures FILE_ID:N");
    cli::add_switch(app, "--page", page_record_,
                    "end with a page record: how many there are, where to go on");
    cli::add_fields(app, fields_, "groups and keys, +added or -removed; default: core,app,tunnel");
    cli::add_local(app, local_);
  }

  base::Result<void> run(Query& query) override {
    const auto where = read_where(where_);
    if (!where) return std::unexpected(where.error());
    auto fields = fields_.empty() ? record::default_fields() : record::parse_fields(fields_);
    if (!fields) return with_usage("--fields", fields.error());
    packet::LocalAddresses local;
    for (const std::string& text : local_) {
      const auto network = packet::parse_network(text);
      if (!network) return with_usage("--local", network.error());
      local.add(*network);
    }
    if (const auto opened = query.open_whole(); !opened) return opened;
    if (const auto placed = place(query); !placed) return placed;
    auto packets =
        store::PacketQuery::open(query.reader(), selection_of(query, *where ? &**where : nullptr), page_);
    if (!packets) return std::unexpected(query.watch().explain(packets.error()));
    fields->add(Field::file_id);
    fields->add(Field::at_file);
    return write(query, *packets, *fields, local);
  }

 private:
  static std::unexpected<base::Error> with_usage(const char* option, base::Error error) {
    error.exit = base::Exit::usage;
    return base::with_context(option, std::move(error));
  }

  /// --after as the page has it.
  base::Result<void> place(const Query& query) {
    if (after_.empty()) return {};
    const size_t colon = after_.find(':');
    const auto n = base::parse_number(after_.substr(colon == std::string::npos ? 0 : colon + 1));
    if (!n)
      return base::fail("--after: \"" + after_ + "\" is neither N nor FILE_ID:N", {}, base::Exit::usage);
    page_.after_n = *n;
    if (colon != std::string::npos) {
      page_.after_file = after_.substr(0, colon);
    } else if (query.inputs().size() > 1) {
      return base::fail("--after: which of " + std::to_string(query.inputs().size()) + " captures?",
                        "--after FILE_ID:N", base::Exit::usage);
    }
    return {};
  }

  base::Result<void> write(Query& query, store::PacketQuery& packets, const record::FieldSet& fields,
                           const packet::LocalAddresses& local) {
    record::PacketWriter writer(fields, query.style().time);
    uint64_t written = 0;
    std::string next;
    const auto done = each_packet(query, packets, {fields, local.empty() ? nullptr : &local},
                                  [&](const store::StoredPackets& found) {
                                    if (page_record_ && ++written == page_.limit)
                                      next = std::string(found.packet().present.has(Field::file_id)
                                                             ? std::string(found.packet().file_id) + ":"
                                                             : "") +
                                             std::to_string(found.packet().n);
                                    return query.out().line(writer.line(found.packet()));
                                  });
    if (!done || !page_record_) return done;
    const auto total = packets.count();
    if (!total) return std::unexpected(query.watch().explain(total.error()));
    Object page(query.style(), kPageType.name);
    page.number("total", *total);
    if (!next.empty() && page_.offset + written < *total) page.text("next", next);
    query.out().record(page.take());
    return {};
  }

  std::string where_, after_, fields_;
  std::vector<std::string> local_;
  store::Page page_;
  bool page_record_ = false;
};

}  // namespace

extern const VerbInfo kPackets;
const VerbInfo kPackets{"packets", "packets, as netsniff writes them", Takes::captures, kTypes,
                        make_verb<Packets>};

}  // namespace wl::pcapquery
