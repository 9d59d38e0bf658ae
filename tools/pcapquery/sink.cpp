#include "tools/pcapquery/sink.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <vector>

#include <nlohmann/json.hpp>

#include "libcommon/base/utf8.h"
#include "libcommon/cli/table.h"
#include "libcommon/ndjson/output.h"
#include "libcommon/record/stream_types.h"
#include "tools/pcapquery/object.h"

namespace wl::pcapquery {
namespace {

using nlohmann::ordered_json;

base::Result<void> outcome(const ndjson::Output& out) {
  if (out.state() == ndjson::WriteState::failed) return std::unexpected(out.error());
  return {};
}

class LineSink final : public Sink {
 public:
  explicit LineSink(int fd) : out_(fd) {}

  bool record(std::string_view json) override {
    if (has_bytes_) return false;
    char* const at = out_.reserve(json.size() + 1);
    char* const end = std::ranges::copy(json, at).out;
    *end = '\n';
    out_.commit(end + 1);
    return out_.good();
  }
  bool raw(std::string_view bytes) override {
    has_bytes_ = has_bytes_ || !bytes.empty();
    out_.write(bytes);
    return out_.good();
  }
  base::Result<void> flush() override {
    out_.flush();
    return outcome(out_);
  }

 private:
  ndjson::Output out_;
  bool has_bytes_ = false;
};

/// Records of one shape: each key a column, in the order in which they are seen.
class Columns {
 public:
  void add(const ordered_json& record) {
    std::map<size_t, std::string>& row = rows_.emplace_back();
    for (const auto& [key, value] : record.items()) {
      if (key == "type" || is_list_of_objects(value) || (value.is_array() && value.empty())) continue;
      const size_t column = column_of(key);
      row[column] = cell(value);
      if (!value.is_number()) columns_[column].align = cli::Table::Align::left;
    }
  }

  [[nodiscard]] std::string text() const {
    if (rows_.empty()) return {};
    cli::Table table(columns_);
    for (const auto& row : rows_) {
      std::vector<std::string> cells(columns_.size());
      for (const auto& [column, text] : row) cells[column] = text;
      table.row(cells);
    }
    return table.text();
  }

  static bool is_list_of_objects(const ordered_json& value) {
    return value.is_array() && !value.empty() && value.front().is_object();
  }

 private:
  static constexpr double kMostFixed = 1e15;
  static constexpr size_t kLongestList = 80;  // bytes; what stands behind is counted

  size_t column_of(const std::string& key) {
    const auto found = std::ranges::find(columns_, key, &cli::Table::Column::title);
    if (found != columns_.end()) return static_cast<size_t>(found - columns_.begin());
    columns_.push_back({key, cli::Table::Align::right});
    return columns_.size() - 1;
  }

  /// Six decimals, as times have them: points stand below points.
  static std::string fixed(double number) {
    std::array<char, 32> room{};
    const int size = std::snprintf(room.data(), room.size(), "%.6f", number);
    return {room.data(), static_cast<size_t>(size)};
  }

  static std::string cell(const ordered_json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_number_float() && std::abs(value.get<double>()) < kMostFixed)
      return fixed(value.get<double>());
    if (!value.is_array()) return value.dump();
    std::string list;
    for (const ordered_json& item : value) {
      if (list.size() > kLongestList) return list + ",… (" + std::to_string(value.size()) + ")";
      list += (list.empty() ? "" : ",") + cell(item);
    }
    return list;
  }

  std::vector<cli::Table::Column> columns_;
  std::vector<std::map<size_t, std::string>> rows_;
};

class TableSink final : public Sink {
 public:
  explicit TableSink(int fd) : out_(fd) {}

  bool record(std::string_view json) override {
    const auto record = ordered_json::parse(json, nullptr, false);
    if (!record.is_object()) return true;
    main_.add(record);
    add_lists(record);
    return true;
  }
  base::Result<void> flush() override {
    out_.write(main_.text());
    for (const auto& [key, columns] : lists_) out_.write("\n" + key + "\n" + columns.text());
    main_ = {};
    lists_.clear();
    out_.flush();
    return outcome(out_);
  }

 private:
  void add_lists(const ordered_json& object) {
    for (const auto& [key, value] : object.items()) {
      if (!Columns::is_list_of_objects(value)) continue;
      auto list = std::ranges::find(lists_, key, &std::pair<std::string, Columns>::first);
      if (list == lists_.end()) list = lists_.emplace(list, key, Columns{});
      for (const ordered_json& item : value) list->second.add(item);
      for (const ordered_json& item : value) add_lists(item);
    }
  }

  ndjson::Output out_;
  Columns main_;
  std::vector<std::pair<std::string, Columns>> lists_;  // lists of objects have tables of their own
};

}  // namespace

bool Sink::error(const base::Error& error) {
  const Style style;
  Object object(style, record::kErrorType.name);
  object.text("message", base::utf8_text(error.line()));
  return record(object.take());
}

std::unique_ptr<Sink> line_sink(int fd) { return std::make_unique<LineSink>(fd); }
std::unique_ptr<Sink> table_sink(int fd) { return std::make_unique<TableSink>(fd); }

}  // namespace wl::pcapquery
