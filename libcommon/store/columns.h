#pragma once
// Rows on their way into a Parquet part, column by column.
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "libcommon/base/error.h"
#include "libcommon/store/duck.h"

namespace wl::store {

enum class ColumnType : uint8_t {
  u8,
  u16,
  u32,
  u64,
  boolean,
  time,       ///< int64_t nanoseconds since 1970: TIMESTAMP_NS
  blob,       ///< bytes
  text,       ///< UTF-8
  token,      ///< UTF-8 of few different values
  text_list,  ///< VARCHAR[]
};

struct Column {
  std::string name;
  ColumnType type;
};

/// A select list of a NULL of its type for each column.
[[nodiscard]] std::string typed_nulls(const std::vector<Column>& columns);

/// At most `capacity` rows. A value that is not set is NULL; a column without values takes no memory.
class Batch {
 public:
  static constexpr size_t kRowGroup = 122'880;  ///< DuckDB's
  static constexpr size_t kCapacity = 4 * kRowGroup;

  /// `capacity`: whole row groups.
  explicit Batch(std::vector<Column> columns, size_t capacity = kCapacity);

  // Of the row that end_row() ends.
  template <class Number>
  void set(size_t column, Number value) {
    Store& store = stores_[column];
    if (!store.data) begin(store);
    std::memcpy(store.data.get() + rows_ * sizeof(Number), &value, sizeof(Number));
    mark(store);
  }
  void set_text(size_t column, std::string_view text);
  void set_token(size_t column, std::string_view token);
  void set_list(size_t column, std::span<const std::string_view> texts);
  void end_row() { ++rows_; }

  [[nodiscard]] const std::vector<Column>& columns() const { return columns_; }
  [[nodiscard]] size_t rows() const { return rows_; }
  [[nodiscard]] size_t capacity() const { return capacity_; }
  /// No more rows may be added: as many as there may be, or as many different tokens or bytes of text.
  [[nodiscard]] bool full() const { return rows_ == capacity_ || crowded_; }
  void clear();

 private:
  friend class BatchScan;
  static constexpr size_t kMaxTokens = 65'535;
  static constexpr size_t kMaxText = size_t{64} << 20;  // bytes of one column

  struct Store {
    ColumnType type{};
    size_t width = 0;
    // Of numbers; of tokens their uint16_t; of texts the uint32_t end of each. Not filled: of a small capture
    // most of it is never touched.
    std::unique_ptr<uint8_t[]> data{};
    std::vector<uint64_t> valid{};  // a bit a row
    std::string text{};             // one behind the other
    std::vector<uint32_t> ends{};   // of lists: the end of each text; data then counts texts
    std::vector<std::string> tokens{};
    std::unordered_map<std::string_view, uint16_t> codes{};
    std::array<uint16_t, 64> recent{};  // codes, by where the token stood: mostly it is constant text
  };
  void begin(Store& store);
  void mark(Store& store) { store.valid[rows_ / 64] |= uint64_t{1} << (rows_ % 64); }

  std::vector<Column> columns_;
  std::vector<Store> stores_;
  size_t capacity_;
  size_t rows_ = 0;
  bool crowded_ = false;
};

/// Writes batches as Parquet files through a DuckDB of its own, which has one thread. Not for two threads.
class BatchWriter {
 public:
  [[nodiscard]] static base::Result<std::unique_ptr<BatchWriter>> open();
  ~BatchWriter();
  /// All rows of the batch as a new file at `path`, without the columns that have no value: to write those
  /// would cost a third of all. It is not yet synced.
  [[nodiscard]] base::Result<void> write(const Batch& batch, const std::string& path);

 private:
  explicit BatchWriter(Duck duck);
  Duck duck_;
  struct Shared;
  std::unique_ptr<Shared> shared_;
};

}  // namespace wl::store
