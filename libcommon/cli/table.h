#pragma once
// Columns for people: what -t writes.
#include <string>
#include <string_view>
#include <vector>

namespace wl::cli {

/// Collects rows and lays them out when they are all there: as wide as the widest cell, numbers to the right.
///
///   Table table({{"client"}, {"bytes", Align::right}});
///   table.row({"10.0.0.7", "1500"});
///   out.write(table.text());
class Table {
 public:
  enum class Align : uint8_t { left, right };
  struct Column {
    std::string title;
    Align align = Align::left;
    size_t min_width = 0;  ///< keeps columns in place from one table to the next
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// One cell a column; missing ones are empty. Cells are shown by printable().
  void row(const std::vector<std::string>& cells);
  [[nodiscard]] bool empty() const { return rows_.empty(); }

  /// The title line and all rows, each with its '\n', without blanks at the ends of lines. The rows go; the
  /// widths stay as minimum for the next table.
  [[nodiscard]] std::string text(bool titles = true);

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// `text` as a terminal may have it: valid UTF-8, control characters and stray bytes as \xNN.
[[nodiscard]] std::string printable(std::string_view text);

/// Cells that valid UTF-8 takes on a terminal: one a code point, none for combining marks, two for wide East
/// Asian ones.
[[nodiscard]] size_t display_width(std::string_view text);

/// 1536 as "1.5k": a number of bytes for people, in powers of 1024.
[[nodiscard]] std::string human_size(uint64_t bytes);

}  // namespace wl::cli
