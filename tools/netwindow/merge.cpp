#include "tools/netwindow/merge.h"

#include <algorithm>
#include <array>

#include "tools/netwindow/types.h"

namespace wl::netwindow {
namespace {

using ndjson::Value;
using ndjson::ValueKind;

constexpr uint64_t kMaxCount = uint64_t{1} << 53;
constexpr std::array<std::string_view, 5> kPrefixes{"", "other_", "unkeyed_", "late_", "untimed_"};
constexpr std::array<std::string_view, 6> kCounts{"packets",  "bytes",       "in_packets",
                                                  "in_bytes", "out_packets", "out_bytes"};
constexpr std::array<std::string_view, 11> kOthers{"type",         "ts",        "until",    "first",
                                                   "last",         "lost",      "keys_min", "missed_bytes",
                                                   "missed_count", "protocols", "windows"};
enum ProtocolField : size_t { kProto, kPort, kBytes, kInBytes, kOutBytes };

std::string joined(std::string_view prefix, std::string_view key) {
  return std::string(prefix) + std::string(key);
}

}  // namespace

base::Result<std::unique_ptr<Input>> MergeInput::make(const Stage& stage, const Shape& shape,
                                                      std::string_view by) {
  std::unique_ptr<MergeInput> input(new MergeInput(stage, shape));
  if (!by.empty()) {
    Paths paths;
    auto spec = KeySpec::parse(by, paths, KeySpec::From::windows);
    if (!spec) return std::unexpected(spec.error());
    input->choose_keys(std::move(*spec), paths);
  }
  return input;
}

void MergeInput::choose_keys(KeySpec spec, const Paths& paths) {
  spec_ = std::move(spec);
  paths_ = paths;
  for (const std::string_view key : kOthers) (void)paths_.add(key);
  for (const std::string_view prefix : kPrefixes) {
    for (const std::string_view key : kCounts) (void)paths_.add(joined(prefix, key));
    (void)paths_.add(joined(prefix, "count"));
    for (const std::string& sum : shape_.sums) (void)paths_.add(joined(prefix, sum));
  }
  record_.emplace(paths_.all());
  entry_.emplace(paths_.all());
  protocol_.emplace(std::array<std::string, 5>{"proto", "port", "bytes", "in_bytes", "out_bytes"});
}

/// Takes the keys from the first record that has some. False: this record has none, or is no object.
bool MergeInput::discover(std::string_view line) {
  static const std::array<std::string, 2> kPaths{"type", "windows"};
  ndjson::Fields fields(kPaths);
  if (!fields.read(line)) return false;
  std::vector<std::string> keys;
  if (fields[0].text == "window") {
    keys = ndjson::Fields::keys(line);
  } else if (fields[0].text == "windows" && fields[1].kind == ValueKind::array) {
    keys = ndjson::Fields::keys(fields[1].text);
  }
  std::erase_if(keys, is_record_key);
  std::string by;
  for (const std::string& key : keys) by += (by.empty() ? "" : ",") + key;
  if (by.empty()) by = "none";
  Paths paths;
  auto spec = KeySpec::parse(by, paths, KeySpec::From::windows);
  if (!spec) return false;
  choose_keys(std::move(*spec), paths);
  return true;
}

bool MergeInput::take(std::string_view line) {
  if (!record_ && !discover(line)) return refuse("expected a JSON object");
  if (!record_->read(line)) return refuse("expected a JSON object");
  const std::string_view type = value(*record_, "", "type").text;
  if (type == "window") return window(line);
  if (type == "windows") return windows(line);
  if (type != "window_total") return true;
  Sides sides;
  if (!read_span() || !read_sides(sides)) return false;
  add(sides);
  return true;
}

const Value& MergeInput::value(const ndjson::Fields& fields, std::string_view prefix,
                               std::string_view key) const {
  return fields[paths_.find(joined(prefix, key))];
}

bool MergeInput::read_span() {
  const Value& ts = value(*record_, "", "ts");
  const Value& until = value(*record_, "", "until");
  ts_.reset();
  if (!ts.present() && !until.present()) return true;
  const auto from = times_.read(ts);
  if (!from) return refuse("expected a time in ts");
  const auto to = times_.read(until);
  if (!to || *to <= *from) return refuse("expected a later time in until");
  const int64_t length = stage_.clock.length;
  if (window_start(*from, length) != window_start(*to - 1, length)) {
    return refuse("this window does not lie within one of ours (use a multiple of its --window)");
  }
  ts_ = from;
  until_ = *to;
  return true;
}

bool MergeInput::window(std::string_view) {
  Entry entry;
  if (!read_span()) return false;
  if (!ts_) return refuse("expected a time in ts");
  if (!read_entry(*record_, entry)) return false;
  add(entry);
  return true;
}

bool MergeInput::windows(std::string_view) {
  Sides sides;
  if (!read_span() || !read_sides(sides)) return false;
  std::vector<Entry> entries;
  const Value& list = value(*record_, "", "windows");
  bool told = false;
  const auto each = [&] {
    told = !read_entry(*entry_, entries.emplace_back());
    return !told;
  };
  if (list.kind != ValueKind::array || !entry_->read_each(list.text, each)) {
    return told ? false : refuse("expected objects in windows");
  }
  if (!ts_ && !entries.empty()) return refuse("expected a time in ts");
  for (const Entry& entry : entries) add(entry);
  add(sides);
  return true;
}

bool MergeInput::read_entry(const ndjson::Fields& fields, Entry& entry) {
  if (!read_totals(fields, "", entry.totals)) return false;
  const auto first = times_.read(value(fields, "", "first"));
  entry.nanoseconds = times_.nanoseconds();
  const auto last = times_.read(value(fields, "", "last"));
  entry.nanoseconds |= times_.nanoseconds();
  if (!first || !last) return refuse("expected times in first and last");
  entry.first = *first;
  entry.last = *last;
  entry.directed = value(fields, "", "in_packets").present();
  const Value& missed = value(fields, "", shape_.generic ? "missed_count" : "missed_bytes");
  if (missed.present()) {
    const auto bound = read_whole(missed, kMaxCount);
    if (!bound) return refuse("expected a whole number in missed_bytes or missed_count");
    entry.missed = *bound;
  }
  const KeySpec::State state = spec_->hash(fields, hasher_, entry.hash);
  if (state == KeySpec::State::wrong) return refuse("expected " + spec_->wrong());
  entry.keyed = state == KeySpec::State::key;
  if (entry.keyed) entry.text = spec_->text(fields);
  return read_protocols(value(fields, "", "protocols"), entry);
}

bool MergeInput::read_protocols(const Value& list, Entry& entry) {
  if (!list.present()) return true;
  const auto number = [this](ProtocolField field, uint64_t max, uint64_t& out) {
    const Value& v = (*protocol_)[field];
    const auto n = v.present() ? read_whole(v, max) : std::optional<uint64_t>(0);
    out = n.value_or(0);
    return n.has_value();
  };
  const auto each = [&] {
    ProtocolRow row;
    uint64_t port = 0;
    row.service.proto = stage_.names.id((*protocol_)[kProto].text);
    if ((*protocol_)[kPort].present()) row.service.state = PortState::told;
    const bool good = number(kPort, UINT16_MAX, port) && number(kBytes, kMaxCount, row.bytes) &&
                      number(kInBytes, kMaxCount, row.in_bytes) &&
                      number(kOutBytes, kMaxCount, row.out_bytes);
    row.service.port = static_cast<uint16_t>(port);
    entry.protocols.push_back(row);
    return good;
  };
  if (list.kind == ValueKind::array && protocol_->read_each(list.text, each)) return true;
  return refuse("expected protocols as netwindow writes them");
}

bool MergeInput::read_totals(const ndjson::Fields& fields, std::string_view prefix, Totals& totals) {
  const auto read = [&](std::string_view key, uint64_t& out) {
    const Value& v = value(fields, prefix, key);
    const auto number = v.present() ? read_whole(v, kMaxCount) : std::optional<uint64_t>(0);
    out = number.value_or(0);
    return number.has_value() || refuse("expected a whole number in " + joined(prefix, key));
  };
  if (!shape_.generic) {
    return read("packets", totals.packets) && read("bytes", totals.bytes) &&
           read("in_packets", totals.in_packets) && read("in_bytes", totals.in_bytes) &&
           read("out_packets", totals.out_packets) && read("out_bytes", totals.out_bytes);
  }
  for (const std::string& sum : shape_.sums) {
    const Value& v = value(fields, prefix, sum);
    const auto amount = v.present() ? read_amount(v) : std::optional<Amount>(0);
    if (!amount) return refuse("expected a number in " + joined(prefix, sum));
    totals.sums.push_back(*amount);
  }
  return read("count", totals.packets);
}

bool MergeInput::read_sides(Sides& sides) {
  if (!read_totals(*record_, "other_", sides.other) || !read_totals(*record_, "unkeyed_", sides.unkeyed) ||
      !read_totals(*record_, "late_", sides.late) || !read_totals(*record_, "untimed_", sides.untimed)) {
    return false;
  }
  const Value& lost = value(*record_, "", "lost");
  if (lost.present()) {
    sides.lost = read_whole(lost, kMaxCount);
    if (!sides.lost) return refuse("expected a whole number in lost");
  }
  sides.keys_hidden = value(*record_, "", "keys_min").present() || sides.other.packets != 0;
  return true;
}

void MergeInput::add(const Entry& entry) {
  ++records_;
  newest_until_ = std::max(newest_until_, until_);
  Window* const window = stage_.windows.at(*ts_);
  if (window == nullptr) {
    ++late_;
    stage_.aside.late.add(entry.totals);
    return;
  }
  window->directed |= entry.directed;
  window->nanoseconds |= entry.nanoseconds;
  if (!entry.keyed) {
    window->unkeyed.add(entry.totals);
    return;
  }
  Key& key = window->key(entry.hash, [&entry] { return entry.text; });
  key.missed += entry.missed;
  window->count(key, entry.totals, entry.first, entry.last);
  for (const ProtocolRow& row : entry.protocols) {
    window->count(key, row.service, row.bytes, row.in_bytes, row.out_bytes);
  }
}

void MergeInput::add(const Sides& sides) {
  Aside& aside = stage_.aside;
  aside.late.add(sides.late);
  aside.untimed.add(sides.untimed);
  if (sides.lost) aside.lost = aside.lost.value_or(0) + *sides.lost;
  if (!ts_) return;
  newest_until_ = std::max(newest_until_, until_);
  if (Window* const window = stage_.windows.at(*ts_)) {
    window->other.add(sides.other);
    window->unkeyed.add(sides.unkeyed);
    window->keys_exact = window->keys_exact && !sides.keys_hidden;
  } else {
    aside.late.add(sides.other);
    aside.late.add(sides.unkeyed);
  }
}

}  // namespace wl::netwindow
