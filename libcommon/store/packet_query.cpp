#include "libcommon/store/packet_query.h"

#include <algorithm>
#include <numeric>

#include "libcommon/filter/sql.h"
#include "libcommon/store/functions.h"
#include "libcommon/store/tables.h"

namespace wl::store {
namespace {

using record::Field;
using record::FieldSet;

/// Two of the row groups that DuckDB writes: what a page costs that finds its packets at once.
constexpr uint64_t kFirstWindow = uint64_t{2} * PacketQuery::kBatch;
/// 32 MiB of hits.
constexpr uint64_t kLargestWindow = uint64_t{1} << 22;
/// With more captures than that it pays to ask first which of them have hits at all.
constexpr size_t kManyCaptures = 8;

constexpr FieldSet kNowhere{Field::info,    Field::payload, Field::dir,
                            Field::file_id, Field::at_file, Field::community_id};

/// The end of a packet's flow that it comes from, or goes to.
std::string end_of(const std::string& flow, const std::string& reverse, bool source, std::string_view what) {
  const std::string own = flow + (source ? ".src_" : ".dst_") + std::string(what);
  const std::string other = flow + (source ? ".dst_" : ".src_") + std::string(what);
  return "case when p." + reverse + " then " + other + " else " + own + " end";
}

/// The key's column in flows: src_ip of inner_src_ip.
std::string_view flow_column(Field field) {
  std::string_view key = record::info(field).key;
  constexpr std::string_view kInner = "inner_";
  if (key.starts_with(kInner)) key.remove_prefix(kInner.size());
  return key;
}

std::string column_of(Field field, bool either) {
  const Home home = home_of(field);
  const std::string key(record::info(field).key);
  if (field == Field::iface) return "i.name";
  if (field == Field::caplen) return "coalesce(p.caplen, p.len)";
  if (home == Home::packets) return "p." + key;
  if (home == Home::kinds) return "k." + key;
  if (home == Home::events) return "e." + key;
  const bool inner = home == Home::inner;
  const std::string flow = inner ? "g" : "f";
  const std::string_view name = flow_column(field);
  const bool source = name.starts_with("src_");
  if (either || (!source && !name.starts_with("dst_"))) return flow + "." + std::string(name);
  return end_of(flow, inner ? "inner_reverse" : "reverse", source, name.substr(4));
}

/// Which captures a statement is about.
struct Scope {
  std::string file{};    ///< this one of several; empty: all
  bool by_file = false;  ///< rows of more than one have to be told apart
};

/// The tables that the keys are in, joined to the packets.
std::string tables_for(const FieldSet& fields, const Scope& scope) {
  const auto table = [&](std::string_view name) {
    return scope.file.empty() ? std::string(name)
                              : "(from " + std::string(name) + " where file_id = " + quoted(scope.file) + ")";
  };
  const auto join = [&](std::string_view name, char as, std::string_view on) {
    const std::string with = std::string(1, as);
    return " left join " + std::string(name) + " " + with + " on " + std::string(on) +
           (scope.by_file ? " and " + with + ".file_id = p.file_id" : "");
  };
  std::string from = table("packets") + " p";
  if (fields.intersects(fields_of(Home::kinds)) || fields.has(Field::iface))
    from += join(table("kinds"), 'k', "k.kind = p.kind");
  if (fields.intersects(fields_of(Home::flows))) from += join(table("flows"), 'f', "f.flow = p.flow");
  if (fields.intersects(fields_of(Home::inner))) from += join(table("flows"), 'g', "g.flow = p.inner_flow");
  if (fields.intersects(fields_of(Home::events))) from += join(table("events"), 'e', "e.n = p.n");
  if (fields.has(Field::iface))
    from += join(
        "(select file_id, interface, case when count(*) over (partition by file_id) > 1 then name end "
        "as name from " +
            table("interfaces") + ")",
        'i', "i.interface = k.interface");
  return from;
}

Value bound(const filter::SqlValue& value) {
  if (const auto* const number = std::get_if<uint64_t>(&value)) return *number;
  if (const auto* const number = std::get_if<int64_t>(&value)) return *number;
  if (const auto* const bytes = std::get_if<filter::SqlBytes>(&value)) return Bytes{bytes->bytes};
  return std::get<std::string>(value);
}

bool takes_all(const Selection& selection) {
  return (selection.where == nullptr || selection.where->nodes().empty()) && !selection.since_ns &&
         !selection.until_ns;
}

}  // namespace

std::string PacketSql::column(Field field) { return column_of(field, false); }

base::Result<PacketSql> PacketSql::make(Reader& reader, const Selection& selection, const FieldSet& columns,
                                        const Capture* only) {
  FieldSet fields = columns;
  PacketSql made{{}, "true", {}};
  if (selection.where != nullptr) {
    const FieldSet missing = selection.where->fields() & kNowhere;
    std::string keys;
    missing.each(
        [&](Field field) { keys += (keys.empty() ? "" : ", ") + std::string(record::info(field).key); });
    if (!keys.empty())
      return base::fail("--where: " + keys + ": not stored", "netsniff -r FILE -Y … looks at it",
                        base::Exit::usage);
    if (const auto known = register_functions(reader.duck()); !known) return std::unexpected(known.error());
    fields = fields | selection.where->fields();
    const filter::Sql where =
        filter::sql(*selection.where, {[](Field field) { return column_of(field, false); },
                                       [](Field field) { return column_of(field, true); }, "p.ts"});
    made.condition = "(" + where.condition + ")";
    for (const filter::SqlValue& value : where.values) made.values.push_back(bound(value));
  }
  const auto bounded = [&](const std::optional<int64_t>& ns, std::string_view sign) {
    if (!ns) return;
    made.condition += " and coalesce(p.ts " + std::string(sign) + " make_timestamp_ns(?), false)";
    made.values.emplace_back(*ns);
  };
  bounded(selection.since_ns, ">=");
  bounded(selection.until_ns, "<");
  const bool several = reader.captures().size() > 1;
  const Scope scope{several && only != nullptr ? Reader::file_key(*only) : "", several && only == nullptr};
  made.from = tables_for(fields, scope);
  return made;
}

base::Result<PacketQuery> PacketQuery::open(Reader& reader, const Selection& selection, const Page& page) {
  PacketQuery query(reader, selection, page);
  const auto& captures = reader.captures();
  if (!page.after_file.empty()) {
    const auto first = std::ranges::find(captures, page.after_file, Reader::file_key);
    if (first == captures.end())
      return base::fail(page.after_file + ": not among the files that are asked", {}, base::Exit::no);
    query.capture_ = static_cast<size_t>(first - captures.begin());
  }
  query.after_ = page.after_n;
  // What cannot be asked is refused now.
  if (const auto made = PacketSql::make(reader, selection); !made) return std::unexpected(made.error());
  return query;
}

base::Result<void> PacketQuery::count_each() {
  if (counts_) return {};
  const auto sql = PacketSql::make(*reader_, selection_);
  if (!sql) return std::unexpected(sql.error());
  auto rows = reader_->duck().query(
      "select p.file_id, count(*) from " + sql->from + " where " + sql->condition + " group by 1",
      sql->values);
  if (!rows) return std::unexpected(rows.error());
  std::map<std::string, uint64_t> counts;
  for (;;) {
    const auto more = rows->next();
    if (!more) return std::unexpected(more.error());
    if (!*more) break;
    counts.emplace(rows->text(0), rows->unsigned_number(1));
  }
  counts_ = std::move(counts);
  return {};
}

base::Result<uint64_t> PacketQuery::count() {
  if (const auto counted = count_each(); !counted) return std::unexpected(counted.error());
  uint64_t all = 0;
  for (const auto& [file, count] : *counts_) all += count;
  return all;
}

base::Result<bool> PacketQuery::begin_capture() {
  const auto& captures = reader_->captures();
  if (captures.size() > kManyCaptures) {
    if (const auto counted = count_each(); !counted) return std::unexpected(counted.error());
    while (capture_ < captures.size() && !counts_->contains(Reader::file_key(captures[capture_]))) {
      ++capture_;
      after_ = 0;
    }
  }
  if (capture_ == captures.size()) return false;
  auto sql = PacketSql::make(*reader_, selection_, {}, &captures[capture_]);
  if (!sql) return std::unexpected(sql.error());
  sql_ = std::move(*sql);
  const Scope scope{captures.size() > 1 ? Reader::file_key(captures[capture_]) : "", false};
  const auto last = reader_->duck().number("select count(*) from " + tables_for({}, scope));
  if (!last) return std::unexpected(last.error());
  last_ = static_cast<uint64_t>(*last);
  window_ = kFirstWindow;
  begun_ = true;
  return true;
}

base::Result<void> PacketQuery::search() {
  found_.clear();
  given_ = 0;
  if (takes_all(selection_)) {
    // They are numbered one by one.
    const uint64_t passed = std::min(page_.offset - skipped_, last_ - std::min(after_, last_));
    skipped_ += passed;
    after_ += passed;
    found_.resize(std::min<uint64_t>(kBatch, last_ - std::min(after_, last_)));
    std::iota(found_.begin(), found_.end(), after_ + 1);
    after_ = std::max(after_, found_.empty() ? last_ : found_.back());
    return {};
  }
  const uint64_t until = after_ + std::min(window_, last_ - after_);
  std::vector<Value> values = sql_.values;
  values.emplace_back(after_);
  values.emplace_back(until);
  auto rows = reader_->duck().query(
      "select p.n from " + sql_.from + " where " + sql_.condition + " and p.n > ? and p.n <= ?", values);
  if (!rows) return std::unexpected(rows.error());
  for (;;) {
    const auto more = rows->next();
    if (!more) return std::unexpected(more.error());
    if (!*more) break;
    found_.push_back(rows->unsigned_number(0));
  }
  if (!std::ranges::is_sorted(found_)) std::ranges::sort(found_);
  after_ = until;
  if (found_.size() < kBatch / 4) window_ = std::min(window_ * 4, kLargestWindow);
  given_ = std::min<uint64_t>(page_.offset - skipped_, found_.size());
  skipped_ += given_;
  return {};
}

base::Result<bool> PacketQuery::next(Hits& hits) {
  if (page_.limit != 0 && taken_ == page_.limit) return false;
  while (given_ == found_.size()) {
    if (begun_ && after_ >= last_) {
      begun_ = false;
      after_ = 0;
      ++capture_;
    }
    if (!begun_) {
      const auto begun = begin_capture();
      if (!begun || !*begun) return begun;
      if (after_ >= last_) continue;
    }
    if (const auto searched = search(); !searched) return std::unexpected(searched.error());
  }
  uint64_t count = std::min<uint64_t>(found_.size() - given_, kBatch);
  if (page_.limit != 0) count = std::min(count, page_.limit - taken_);
  const auto first = found_.begin() + static_cast<std::ptrdiff_t>(given_);
  hits.capture = &reader_->captures()[capture_];
  hits.n.assign(first, first + static_cast<std::ptrdiff_t>(count));
  given_ += count;
  taken_ += count;
  return true;
}

}  // namespace wl::store
