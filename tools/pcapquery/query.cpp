#include "tools/pcapquery/query.h"

#include <algorithm>

namespace wl::pcapquery {
namespace {

using base::Result;

/// Puts a view in place of one of the reader's, which `{}` in `select` stands for.
Result<void> narrow(store::Duck& duck, const std::string& view, const std::string& select) {
  const auto renamed = duck.run("alter view " + view + " rename to whole_" + view);
  if (!renamed) return renamed;
  return duck.run("create view " + view + " as " + select);
}

/// What one side of a flow has left, in the columns of `flows`.
std::string side(const std::string& name, const std::string& which) {
  const std::string these = " filter (where " + which + ")";
  return "count(*)" + these + " as " + name + "_packets, coalesce(sum(len)" + these + ", 0)::ubigint as " +
         name + "_bytes, coalesce(sum(payload_len)" + these + ", 0)::ubigint as " + name +
         "_payload, bit_or(tcp_flags)" + these + " as " + name + "_tcp_flags";
}

/// The views without the packets outside of the span. Flows have what is left of them.
Result<void> apply(const catalog::TimeSpan& span, store::Duck& duck) {
  if (!span.since && !span.until) return {};
  // Whole numbers of nanoseconds: a TIMESTAMP_NS has them, and DuckDB's literals are microseconds.
  std::string inside = "ts is not null";
  if (span.since) inside += " and epoch_ns(ts) >= " + std::to_string(*span.since);
  if (span.until) inside += " and epoch_ns(ts) < " + std::to_string(*span.until);
  const std::string flows =
      "select f.* replace (s.first as first, s.last as last, s.first_n as first_n,"
      " s.out_packets as out_packets, s.out_bytes as out_bytes, s.out_payload as out_payload,"
      " s.out_tcp_flags as out_tcp_flags, s.in_packets as in_packets, s.in_bytes as in_bytes,"
      " s.in_payload as in_payload, s.in_tcp_flags as in_tcp_flags)"
      " from whole_flows f left join (select file_id, flow, min(ts) as first, max(ts) as last,"
      " min(n) as first_n, " +
      side("out", "not reverse") + ", " + side("in", "reverse") +
      " from packets group by file_id, flow) s using (file_id, flow) where f.\"inner\" or s.flow is not null";
  for (const auto& [view, select] :
       {std::pair{"packets", "select * from whole_packets where " + inside},
        std::pair{"events", "select * from whole_events where " + inside}, std::pair{"flows", flows},
        std::pair{"timeline", std::string("select file_id, date_trunc('second', ts)::timestamp_ns as ts,"
                                          " count(*) as packets, sum(len)::ubigint as bytes"
                                          " from packets group by all")}})
    if (const auto done = narrow(duck, view, select); !done) return done;
  return {};
}

/// Each capture once: the operator's selection may have one for each who has it.
std::vector<store::Capture> captures_of(const std::vector<Input>& inputs) {
  std::vector<store::Capture> captures;
  for (const Input& input : inputs)
    if (std::ranges::find(captures, input.capture.folder, &store::Capture::folder) == captures.end())
      captures.push_back(input.capture);
  return captures;
}

}  // namespace

Result<void> Query::find() {
  const auto span = time_span(selection());
  if (!span) return std::unexpected(span.error());
  span_ = *span;
  auto inputs = find_inputs(selection(), asker_.is_unwanted);
  if (!inputs) return std::unexpected(inputs.error());
  inputs_ = std::move(*inputs);
  return {};
}

Result<void> Query::open(const store::ReaderOptions& options) {
  if (const auto opened = open_whole(options); !opened) return opened;
  return apply(span_, reader_->duck());
}

Result<void> Query::open_whole(const store::ReaderOptions& options) {
  if (const auto found = find(); !found) return found;
  if (inputs_.empty())
    return base::fail("no capture is in the store, or none in the time", "pcapquery files lists them",
                      base::Exit::no);
  auto reader = store::Reader::open(captures_of(inputs_), options);
  if (!reader && leave_damaged()) reader = store::Reader::open(captures_of(inputs_), options);
  if (!reader) return std::unexpected(reader.error());
  reader_ = std::move(*reader);
  watch_.begin(reader_->duck());
  const auto digits = reader_->duck().number("select max(fraction_digits) from interfaces");
  if (!digits) return std::unexpected(watch_.explain(digits.error()));
  style_.digits = *digits > 6 ? 9 : 6;
  return {};
}

bool Query::leave_damaged() {
  std::vector<std::string> damaged;
  std::erase_if(inputs_, [&](const Input& input) {
    const auto checked = store::Reader::check(input.capture);
    if (!checked) damaged.push_back(checked.error().line());
    return !checked;
  });
  if (damaged.empty()) return false;
  if (inputs_.empty()) damaged.erase(damaged.begin());  // that is why nothing could be opened
  for (std::string& text : damaged) fault(std::move(text));
  return !inputs_.empty();
}

std::string Query::sums_by_kind(const std::string& sums) const {
  // Of a single capture without its name: to group by a text takes longer than all the rest.
  const std::string kind = reader_->captures().size() == 1 ? "kind" : "file_id, kind";
  return "(select " + kind + ", " + sums + " from packets group by " + kind + ") join kinds using (" + kind +
         ")";
}

std::string Query::file_order() const {
  std::string keys;
  for (const Input& input : inputs_) {
    // What is in the store has a name of its own; the others go as the command line has them.
    if (input.held) return "file_id";
    keys += (keys.empty() ? "" : ", ") + store::quoted(store::Reader::file_key(input.capture));
  }
  return "list_position([" + keys + "], file_id)";
}

std::vector<std::string> Query::faults() const {
  std::vector<std::string> faults = faults_;
  for (const Input& input : inputs_)
    if (input.temporary && !input.temporary->ingested().fault.empty())
      faults.push_back(input.temporary->ingested().fault);
  return faults;
}

Result<void> Query::rows(const std::string& sql, const std::vector<store::Value>& values,
                         const std::function<bool(const store::Rows&)>& visit) {
  auto rows = reader_->duck().query(sql, values);
  if (!rows) return std::unexpected(watch_.explain(rows.error()));
  for (;;) {
    const auto more = rows->next();
    if (!more) return std::unexpected(watch_.explain(more.error()));
    if (!*more || !visit(*rows)) return {};
  }
}

Result<void> Query::each(std::string_view type, std::span<const record::KeyInfo> keys, const std::string& sql,
                         const std::vector<store::Value>& values,
                         const std::function<bool(std::string)>& take) {
  std::optional<RowObjects> objects;
  return rows(sql, values, [&](const store::Rows& row) {
    if (!objects) objects.emplace(type, keys, style_, *reader_, row);
    return take(objects->next());
  });
}

Result<void> Query::answer(const record::RecordType& type, const std::string& sql,
                           const std::vector<store::Value>& values) {
  return each(type.name, type.keys, sql, values,
              [this](const std::string& object) { return out_.record(object); });
}

Result<std::string> Query::list(std::span<const record::KeyInfo> keys, const std::string& sql,
                                const std::vector<store::Value>& values) {
  std::vector<std::string> objects;
  const auto done = each({}, keys, sql, values, [&](std::string object) {
    objects.push_back(std::move(object));
    return true;
  });
  if (!done) return std::unexpected(done.error());
  return json_array(objects);
}

}  // namespace wl::pcapquery
