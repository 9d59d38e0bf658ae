#include "libcommon/store/columns.h"

#include <algorithm>
#include <span>

#include <duckdb.h>

namespace wl::store {
namespace {

size_t width_of(ColumnType type) {
  switch (type) {
    case ColumnType::u8:
    case ColumnType::boolean: return 1;
    case ColumnType::u16:
    case ColumnType::token: return 2;
    case ColumnType::u64:
    case ColumnType::time: return 8;
    default: return 4;
  }
}

duckdb_type duck_type(ColumnType type) {
  switch (type) {
    case ColumnType::u8: return DUCKDB_TYPE_UTINYINT;
    case ColumnType::u16: return DUCKDB_TYPE_USMALLINT;
    case ColumnType::u32: return DUCKDB_TYPE_UINTEGER;
    case ColumnType::u64: return DUCKDB_TYPE_UBIGINT;
    case ColumnType::boolean: return DUCKDB_TYPE_BOOLEAN;
    case ColumnType::time: return DUCKDB_TYPE_TIMESTAMP_NS;
    case ColumnType::blob: return DUCKDB_TYPE_BLOB;
    default: return DUCKDB_TYPE_VARCHAR;
  }
}

const char* sql_type(ColumnType type) {
  switch (type) {
    case ColumnType::u8: return "UTINYINT";
    case ColumnType::u16: return "USMALLINT";
    case ColumnType::u32: return "UINTEGER";
    case ColumnType::u64: return "UBIGINT";
    case ColumnType::boolean: return "BOOLEAN";
    case ColumnType::time: return "TIMESTAMP_NS";
    case ColumnType::blob: return "BLOB";
    case ColumnType::text_list: return "VARCHAR[]";
    default: return "VARCHAR";
  }
}

class LogicalType {
 public:
  explicit LogicalType(duckdb_logical_type type) : type_(type) {}
  LogicalType(const LogicalType&) = delete;
  LogicalType& operator=(const LogicalType&) = delete;
  ~LogicalType() { duckdb_destroy_logical_type(&type_); }
  [[nodiscard]] duckdb_logical_type get() const { return type_; }

 private:
  duckdb_logical_type type_;
};

}  // namespace

std::string typed_nulls(const std::vector<Column>& columns) {
  std::string list;
  for (const Column& column : columns)
    list += (list.empty() ? "NULL::" : ", NULL::") + std::string(sql_type(column.type)) + " as \"" +
            column.name + '"';
  return list;
}

Batch::Batch(std::vector<Column> columns, size_t capacity)
    : columns_(std::move(columns)), stores_(columns_.size()), capacity_(capacity) {
  for (size_t i = 0; i < columns_.size(); ++i) {
    stores_[i].type = columns_[i].type;
    stores_[i].width = width_of(columns_[i].type);
  }
}

void Batch::begin(Store& store) {
  store.data = std::make_unique_for_overwrite<uint8_t[]>(capacity_ * store.width);
  store.valid.resize(capacity_ / 64);
}

void Batch::set_text(size_t column, std::string_view text) {
  Store& store = stores_[column];
  store.text += text;
  if (store.text.size() > kMaxText) crowded_ = true;
  set(column, static_cast<uint32_t>(store.text.size()));
}

void Batch::set_token(size_t column, std::string_view token) {
  Store& store = stores_[column];
  const auto place = reinterpret_cast<uintptr_t>(token.data());
  uint16_t& code = store.recent[(place >> 3 ^ place >> 9) % store.recent.size()];
  if (code >= store.tokens.size() || store.tokens[code] != token) {
    auto known = store.codes.find(token);
    if (known == store.codes.end()) {
      if (store.tokens.empty()) store.tokens.reserve(kMaxTokens);  // so that the views stay good
      store.tokens.emplace_back(token);
      known = store.codes.emplace(store.tokens.back(), static_cast<uint16_t>(store.tokens.size() - 1)).first;
      if (store.tokens.size() == kMaxTokens) crowded_ = true;
    }
    code = known->second;
  }
  set(column, code);
}

void Batch::set_list(size_t column, std::span<const std::string_view> texts) {
  Store& store = stores_[column];
  for (const std::string_view text : texts) {
    store.text += text;
    store.ends.push_back(static_cast<uint32_t>(store.text.size()));
  }
  if (store.text.size() > kMaxText) crowded_ = true;
  set(column, static_cast<uint32_t>(store.ends.size()));
}

void Batch::clear() {
  for (Store& store : stores_) {
    std::ranges::fill(store.valid, 0);
    store.text.clear();
    store.ends.clear();
    store.codes.clear();
    store.tokens.clear();
  }
  rows_ = 0;
  crowded_ = false;
}

/// Feeds a batch to DuckDB, as a table function without parameters.
class BatchScan {
 public:
  void start(const Batch& batch) {
    batch_ = &batch;
    row_ = 0;
    cursors_.assign(batch.columns_.size(), Cursor{});
    used_.clear();
    for (size_t i = 0; i < batch.columns_.size(); ++i)
      if (is_used(batch.stores_[i])) used_.push_back(i);
  }

  /// The select list: columns with values. Of a batch without rows: all, so that the part has some.
  [[nodiscard]] std::string select_list() const {
    if (used_.empty()) return typed_nulls(batch_->columns_);
    std::string list;
    for (const size_t i : used_) list += (list.empty() ? "\"" : ", \"") + batch_->columns_[i].name + '"';
    return list;
  }

  void bind(duckdb_bind_info info) const {
    if (used_.empty())
      duckdb_bind_add_result_column(info, "none",
                                    LogicalType(duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN)).get());
    for (const size_t i : used_) {
      const LogicalType type(type_of(batch_->stores_[i]));
      duckdb_bind_add_result_column(info, batch_->columns_[i].name.c_str(), type.get());
    }
    duckdb_bind_set_cardinality(info, batch_->rows_, true);
  }

  void fill(duckdb_data_chunk out) {
    const size_t count = std::min<size_t>(duckdb_vector_size(), batch_->rows_ - row_);
    for (size_t i = 0; i < used_.size(); ++i)
      fill(duckdb_data_chunk_get_vector(out, i), batch_->stores_[used_[i]], cursors_[used_[i]], count);
    row_ += count;
    duckdb_data_chunk_set_size(out, count);
  }

 private:
  using Store = Batch::Store;
  struct Cursor {
    uint32_t text = 0;  ///< bytes of text handed over
    uint32_t item = 0;  ///< texts of lists handed over
  };

  static bool is_used(const Store& store) {
    return std::ranges::any_of(store.valid, [](uint64_t bits) { return bits != 0; });
  }

  static duckdb_logical_type type_of(const Store& store) {
    if (store.type == ColumnType::token) {
      std::vector<const char*> names;
      for (const std::string& token : store.tokens) names.push_back(token.c_str());
      return duckdb_create_enum_type(names.data(), names.size());
    }
    const duckdb_logical_type type = duckdb_create_logical_type(duck_type(store.type));
    if (store.type != ColumnType::text_list) return type;
    const LogicalType item(type);
    return duckdb_create_list_type(item.get());
  }

  void fill(duckdb_vector vector, const Store& store, Cursor& cursor, size_t count) const {
    const std::span valid = std::span(store.valid).subspan(row_ / 64, (count + 63) / 64);
    if (std::ranges::any_of(valid, [](uint64_t bits) { return bits != UINT64_MAX; })) {
      duckdb_vector_ensure_validity_writable(vector);
      std::ranges::copy(valid, duckdb_vector_get_validity(vector));
    }
    void* const data = duckdb_vector_get_data(vector);
    if (store.type == ColumnType::token && store.tokens.size() < 256) {
      for (size_t i = 0; i < count; ++i)
        static_cast<uint8_t*>(data)[i] = static_cast<uint8_t>(value<uint16_t>(store, row_ + i));
    } else if (store.type == ColumnType::text || store.type == ColumnType::blob) {
      fill_texts(vector, store, cursor, count);
    } else if (store.type == ColumnType::text_list) {
      fill_lists(vector, store, cursor, count);
    } else {
      std::memcpy(data, store.data.get() + row_ * store.width, count * store.width);
    }
  }

  void fill_texts(duckdb_vector vector, const Store& store, Cursor& cursor, size_t count) const {
    for (size_t i = 0; i < count; ++i) {
      if (!is_valid(store, row_ + i)) continue;
      const uint32_t end = value<uint32_t>(store, row_ + i);
      duckdb_vector_assign_string_element_len(vector, i, store.text.data() + cursor.text, end - cursor.text);
      cursor.text = end;
    }
  }

  void fill_lists(duckdb_vector vector, const Store& store, Cursor& cursor, size_t count) const {
    auto* const entries = static_cast<duckdb_list_entry*>(duckdb_vector_get_data(vector));
    const uint32_t first = cursor.item;
    uint32_t last = first;
    for (size_t i = 0; i < count; ++i) {
      entries[i] = {last - first, 0};
      if (!is_valid(store, row_ + i)) continue;
      const uint32_t end = value<uint32_t>(store, row_ + i);
      entries[i].length = end - last;
      last = end;
    }
    duckdb_list_vector_reserve(vector, last - first);
    duckdb_list_vector_set_size(vector, last - first);
    const duckdb_vector items = duckdb_list_vector_get_child(vector);
    for (; cursor.item < last; ++cursor.item) {
      const uint32_t end = store.ends[cursor.item];
      duckdb_vector_assign_string_element_len(items, cursor.item - first, store.text.data() + cursor.text,
                                              end - cursor.text);
      cursor.text = end;
    }
  }

  template <class Number>
  static Number value(const Store& store, size_t row) {
    Number number;
    std::memcpy(&number, store.data.get() + row * sizeof(Number), sizeof(Number));
    return number;
  }
  static bool is_valid(const Store& store, size_t row) {
    return (store.valid[row / 64] >> (row % 64) & 1) != 0;
  }

  const Batch* batch_ = nullptr;
  std::vector<size_t> used_;
  std::vector<Cursor> cursors_;
  size_t row_ = 0;
};

struct BatchWriter::Shared {
  BatchScan scan;
};

namespace {

void bind_scan(duckdb_bind_info info) {
  static_cast<BatchScan*>(duckdb_bind_get_extra_info(info))->bind(info);
}
void init_scan(duckdb_init_info /*info*/) {}
void run_scan(duckdb_function_info info, duckdb_data_chunk out) {
  static_cast<BatchScan*>(duckdb_function_get_extra_info(info))->fill(out);
}

}  // namespace

BatchWriter::BatchWriter(Duck duck) : duck_(std::move(duck)), shared_(std::make_unique<Shared>()) {}
BatchWriter::~BatchWriter() = default;

base::Result<std::unique_ptr<BatchWriter>> BatchWriter::open() {
  auto duck = Duck::open({.threads = 1});
  if (!duck) return std::unexpected(duck.error());
  std::unique_ptr<BatchWriter> writer(new BatchWriter(std::move(*duck)));
  duckdb_table_function function = duckdb_create_table_function();
  duckdb_table_function_set_name(function, "batch");
  duckdb_table_function_set_extra_info(function, &writer->shared_->scan, nullptr);
  duckdb_table_function_set_bind(function, bind_scan);
  duckdb_table_function_set_init(function, init_scan);
  duckdb_table_function_set_function(function, run_scan);
  const duckdb_state registered =
      duckdb_register_table_function(static_cast<duckdb_connection>(writer->duck_.connection()), function);
  duckdb_destroy_table_function(&function);
  if (registered != DuckDBSuccess)
    return base::fail("DuckDB: the table function \"batch\" cannot be registered");
  return writer;
}

base::Result<void> BatchWriter::write(const Batch& batch, const std::string& path) {
  shared_->scan.start(batch);
  // Delta encoding of numbers costs a third of dictionaries, and is as small.
  return duck_.run(
      "copy (select " + shared_->scan.select_list() + " from batch()) to " + quoted(path) +
      " (format parquet, parquet_version v2, compression uncompressed, dictionary_size_limit 1)");
}

}  // namespace wl::store
