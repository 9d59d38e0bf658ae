#include "tools/netwindow/table_report.h"

#include <algorithm>

#include "libcommon/base/units.h"
#include "tools/netwindow/values.h"

namespace wl::netwindow {
namespace {

using cli::Table;

// Protocols shown of a key.
constexpr size_t kShownProtocols = 3;

std::string number(uint64_t n) { return std::to_string(n); }

/// "1 packet", "2 packets".
std::string counted(uint64_t n, std::string_view what) {
  return number(n) + " " + std::string(what) + (n == 1 ? "" : "s");
}

std::string amount_text(const Totals& totals, size_t sum) {
  std::string text;
  append_amount(text, sum < totals.sums.size() ? totals.sums[sum] : Amount{0});
  return text;
}

/// The key as it stands in the record, without what only machines need: client=10.0.0.7 port=443.
std::string key_text(const std::string& members) {
  std::string text;
  bool in_text = false;
  for (size_t i = 0; i < members.size(); ++i) {
    const char c = members[i];
    if (in_text && c == '\\') {
      text += c;
      text += members[++i];
    } else if (c == '"') {
      in_text = !in_text;
    } else if (!in_text && (c == ',' || c == '[' || c == ']')) {
      if (c == ',') text += ' ';
    } else if (!in_text && c == ':') {
      text += '=';
    } else {
      text += c;
    }
  }
  return text.empty() ? "all" : text;
}

}  // namespace

void TableReport::write(Window& window, Aside& aside) {
  const ClosedWindow closed = close_window(window, shape_);
  std::vector<Table::Column> columns;
  for (const std::string& title : titles(closed)) {
    const bool text = title == "key" || title == "protocols" || title == "last";
    columns.push_back({title, text ? Table::Align::left : Table::Align::right});
  }
  Table table(std::move(columns));
  for (size_t i = 0; i < closed.keys.size(); ++i) table.row(cells(closed, i));
  out_.write(headline(closed, aside) + table.text() + "\n");
  aside.clear();
}

void TableReport::write_rest(Aside& aside) {
  if (aside.empty()) return;
  out_.write("after the last window: " + amount(aside.late) + " late, " + amount(aside.untimed) +
             " without a time\n");
  aside.clear();
}

std::vector<std::string> TableReport::titles(const ClosedWindow& closed) const {
  std::vector<std::string> titles{"key"};
  if (shape_.generic) {
    titles.emplace_back("count");
    titles.insert(titles.end(), shape_.sums.begin(), shape_.sums.end());
  } else {
    titles.insert(titles.end(), {"packets", "bytes"});
    if (closed.directed) titles.insert(titles.end(), {"in", "out"});
    if (!shape_.merged) titles.emplace_back("flows");
  }
  titles.emplace_back("last");
  if (!shape_.generic) titles.emplace_back("protocols");
  return titles;
}

std::vector<std::string> TableReport::cells(const ClosedWindow& closed, size_t index) const {
  const Key& key = *closed.keys[index];
  std::vector<std::string> cells{key_text(key.text), number(key.totals.packets)};
  if (shape_.generic) {
    for (size_t i = 0; i < shape_.sums.size(); ++i) cells.push_back(amount_text(key.totals, i));
  } else {
    cells.push_back(cli::human_size(key.totals.bytes));
    if (closed.directed) {
      cells.push_back(cli::human_size(key.totals.in_bytes));
      cells.push_back(cli::human_size(key.totals.out_bytes));
    }
    if (!shape_.merged) cells.push_back((key.flows_exact ? "" : ">") + number(key.flows));
  }
  cells.push_back(base::rfc3339(key.last, closed.digits).substr(11));
  if (!shape_.generic) cells.push_back(main_protocols(closed, index));
  return cells;
}

std::string TableReport::main_protocols(const ClosedWindow& closed, size_t index) const {
  std::string text;
  const std::span<const Protocol* const> protocols = closed.protocols(index);
  for (size_t i = 0; i < std::min(protocols.size(), kShownProtocols); ++i) {
    const Service& service = protocols[i]->service;
    if (i > 0) text += ' ';
    text += names_.name(service.proto);
    if (service.state != PortState::none) text += "/" + number(service.port);
  }
  if (protocols.size() > kShownProtocols) text += " …";
  return text;
}

std::string TableReport::headline(const ClosedWindow& closed, const Aside& aside) const {
  std::string line = base::rfc3339(closed.start, 6).substr(0, 19) + "Z +" +
                     base::format_duration(shape_.length) + ": " + (closed.crowded ? "at least " : "") +
                     counted(closed.key_count, "key") + ", " + amount(closed.total);
  const auto part = [&](const Totals& totals, const char* what) {
    if (totals.packets != 0) line += "; " + amount(totals) + " " + what;
  };
  part(closed.other, "other");
  part(closed.unkeyed, "without a key");
  part(aside.late, "late");
  part(aside.untimed, "without a time");
  if (aside.lost.value_or(0) != 0) line += "; " + number(*aside.lost) + " lost";
  return line + "\n";
}

std::string TableReport::amount(const Totals& totals) const {
  if (shape_.generic) return counted(totals.packets, "record");
  return counted(totals.packets, "packet") + ", " + cli::human_size(totals.bytes);
}

}  // namespace wl::netwindow
