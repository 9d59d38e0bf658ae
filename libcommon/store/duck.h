#pragma once
// DuckDB behind a thin layer: an instance in memory, statements with bound values, rows.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "libcommon/base/error.h"

namespace wl::store {

struct DuckOptions {
  uint64_t memory_bytes = uint64_t{384} << 20;  ///< beyond it DuckDB spills
  unsigned threads = 2;
  std::string spill_folder{};  ///< for what does not fit into memory; empty: nothing is spilled
};

/// What a `?` of a statement stands for. Bytes are a BLOB; a list of texts is a VARCHAR[].
struct Bytes {
  std::string bytes;
};
using Value = std::variant<std::monostate, bool, int64_t, uint64_t, double, std::string, Bytes,
                           std::vector<std::string>>;

/// Rows of an answer, read as they come. Not for two threads.
class Rows {
 public:
  Rows();
  ~Rows();
  Rows(Rows&&) noexcept;
  Rows& operator=(Rows&&) noexcept;

  /// Moves to the next row; false: there is none.
  [[nodiscard]] base::Result<bool> next();

  // Of the row, by the column's number in the select list. A null number is 0, a null text is empty.
  [[nodiscard]] bool null(size_t column) const;
  /// Whole numbers of every width, BOOLEAN, HUGEINT (of sums; saturated), TIMESTAMP_NS.
  [[nodiscard]] int64_t number(size_t column) const;
  [[nodiscard]] uint64_t unsigned_number(size_t column) const {
    return static_cast<uint64_t>(number(column));
  }
  /// DOUBLE, and every whole number.
  [[nodiscard]] double real(size_t column) const;
  /// VARCHAR and BLOB; good until next().
  [[nodiscard]] std::string_view text(size_t column) const;
  [[nodiscard]] std::vector<std::string_view> texts(size_t column) const;

  [[nodiscard]] size_t columns() const;
  [[nodiscard]] std::string column_name(size_t column) const;

 private:
  friend class Duck;
  struct State;
  std::unique_ptr<State> state_;
};

/// One instance with one connection. Not for two threads, but interrupt() may come from any.
class Duck {
 public:
  [[nodiscard]] static base::Result<Duck> open(const DuckOptions& options);
  ~Duck();
  Duck(Duck&&) noexcept;
  Duck& operator=(Duck&&) noexcept;

  /// A statement without an answer.
  [[nodiscard]] base::Result<void> run(const std::string& sql, const std::vector<Value>& values = {});
  /// One statement, its rows delivered as they are found: memory does not grow with the answer.
  [[nodiscard]] base::Result<Rows> query(const std::string& sql, const std::vector<Value>& values = {});
  /// The one number that a statement answers with.
  [[nodiscard]] base::Result<int64_t> number(const std::string& sql, const std::vector<Value>& values = {});

  void interrupt();
  /// A duckdb_connection, for those who need more of its C API.
  [[nodiscard]] void* connection() const;

 private:
  Duck();
  struct State;
  std::unique_ptr<State> state_;
};

/// What DuckDB says, in one line and without its advice on how to use DuckDB.
[[nodiscard]] std::string one_line(const char* said);

/// `text` as an SQL literal.
[[nodiscard]] std::string quoted(std::string_view text);

}  // namespace wl::store
