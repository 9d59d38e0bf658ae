#include "tools/netwindow/report.h"

#include <algorithm>

#include "tools/netwindow/values.h"

namespace wl::netwindow {
namespace {

// Protocols in a record, the last of which stands for the rest when there are more.
constexpr size_t kMaxProtocols = 32;

void add(Protocol& to, const Protocol& more) {
  to.bytes += more.bytes;
  to.in_bytes += more.in_bytes;
  to.out_bytes += more.out_bytes;
}

}  // namespace

void RecordReport::write(Window& window, Aside& aside) {
  const ClosedWindow closed = close_window(window, shape_);
  if (whole_) {
    begin("windows", closed);
    total_members(closed, aside);
    line_ += ",\"windows\":[";
    for (size_t i = 0; i < closed.keys.size(); ++i) {
      line_ += i == 0 ? "{" : ",{";
      key_members(closed, i);
      line_ += '}';
    }
    line_ += ']';
    end();
  } else {
    begin("window", closed);
    const std::string head = line_ + ',';
    for (size_t i = 0; i < closed.keys.size(); ++i) {
      line_ = head;
      key_members(closed, i);
      end();
    }
    begin("window_total", closed);
    total_members(closed, aside);
    end();
  }
  aside.clear();
}

void RecordReport::write_rest(Aside& aside) {
  if (aside.empty()) return;
  begin(whole_ ? "windows" : "window_total");
  total_members(ClosedWindow{}, aside);
  if (whole_) line_ += ",\"windows\":[]";
  end();
  aside.clear();
}

void RecordReport::key_members(const ClosedWindow& closed, size_t index) {
  const Key& key = *closed.keys[index];
  line_ += key.text;
  const size_t before = line_.size();
  totals("", key.totals, closed.directed);
  if (key.text.empty()) line_.erase(before, 1);  // no key stands before the comma
  if (!shape_.generic) {
    protocols(closed, index);
    if (!shape_.merged && (key.flows != 0 || !key.flows_exact)) {
      member("", key.flows_exact ? "flows" : "flows_min", key.flows);
    }
  }
  time("first", key.first, closed.digits);
  time("last", key.last, closed.digits);
  if (key.missed != 0) member("", shape_.generic ? "missed_count" : "missed_bytes", key.missed);
}

void RecordReport::protocols(const ClosedWindow& closed, size_t index) {
  const std::span<const Protocol* const> all = closed.protocols(index);
  Protocol rest = closed.keys[index]->rest;
  const bool has_rest = rest.bytes != 0 || all.size() > kMaxProtocols;
  const size_t named = std::min(all.size(), has_rest ? kMaxProtocols - 1 : kMaxProtocols);
  for (size_t i = named; i < all.size(); ++i) add(rest, *all[i]);
  line_ += ",\"protocols\":[";
  for (size_t i = 0; i < named + (has_rest ? 1 : 0); ++i) {
    const Protocol& p = i < named ? *all[i] : rest;
    line_ += i == 0 ? "{\"proto\":" : ",{\"proto\":";
    append_text(line_, names_.name(p.service.proto));
    if (p.service.state != PortState::none) member("", "port", p.service.port);
    member("", "bytes", p.bytes);
    if (closed.directed) {
      member("", "in_bytes", p.in_bytes);
      member("", "out_bytes", p.out_bytes);
    }
    line_ += '}';
  }
  line_ += ']';
}

void RecordReport::total_members(const ClosedWindow& closed, const Aside& aside) {
  member("", closed.crowded ? "keys_min" : "keys", closed.key_count);
  totals("", closed.total, closed.directed);
  totals("other_", closed.other, closed.directed);
  totals("unkeyed_", closed.unkeyed, closed.directed);
  totals("late_", aside.late, false);
  totals("untimed_", aside.untimed, false);
  if (aside.lost) member("", "lost", *aside.lost);
}

void RecordReport::totals(std::string_view prefix, const Totals& t, bool directed) {
  if (shape_.generic) {
    member(prefix, "count", t.packets);
    for (size_t i = 0; i < shape_.sums.size(); ++i) {
      line_ += ",\"";
      line_ += prefix;
      line_ += shape_.sums[i];
      line_ += "\":";
      append_amount(line_, i < t.sums.size() ? t.sums[i] : Amount{0});
    }
    return;
  }
  member(prefix, "packets", t.packets);
  member(prefix, "bytes", t.bytes);
  if (!directed) return;
  member(prefix, "in_packets", t.in_packets);
  member(prefix, "in_bytes", t.in_bytes);
  member(prefix, "out_packets", t.out_packets);
  member(prefix, "out_bytes", t.out_bytes);
}

void RecordReport::member(std::string_view prefix, std::string_view key, uint64_t number) {
  line_ += ",\"";
  line_ += prefix;
  line_ += key;
  line_ += "\":";
  append_number(line_, number);
}

void RecordReport::time(std::string_view key, int64_t ns, int digits) {
  char text[base::TimeText::kMaxSize];
  line_ += ",\"";
  line_ += key;
  line_ += "\":";
  line_.append(text, time_text_.write(text, ns, digits));
}

void RecordReport::begin(std::string_view type) {
  line_ = "{\"type\":\"";
  line_ += type;
  line_ += '"';
}

void RecordReport::begin(std::string_view type, const ClosedWindow& closed) {
  begin(type);
  time("ts", closed.start, closed.digits);
  time("until", closed.until, closed.digits);
}

void RecordReport::end() {
  line_ += "}\n";
  out_.write(line_);
  ++records_;
}

}  // namespace wl::netwindow
