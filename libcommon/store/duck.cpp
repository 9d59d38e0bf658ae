#include "libcommon/store/duck.h"

#include <algorithm>
#include <limits>
#include <regex>

#include <duckdb.h>

#include "libcommon/base/signals.h"

namespace wl::store {
namespace {

std::unexpected<base::Error> failure(const char* said) {
  const std::string line = said == nullptr ? "DuckDB failed" : one_line(said);
  std::smatch io;  // IO Error: Could not write file "PATH": No space left on device
  if (std::regex_match(line, io, std::regex(R"re(IO Error: [^"]*"([^"]+)": (.+))re")))
    return base::fail(io.str(1) + ": " + io.str(2));
  // Invalid Input Error: No magic bytes found at end of file 'PATH'
  if (std::regex_match(line, io, std::regex(R"re([A-Za-z ]+ Error: (.+) '([^']+\.parquet)'(.*))re")))
    return base::fail(io.str(2) + ": " + io.str(1) + io.str(3), "pcapingest verify");
  return base::fail(line);
}

struct FreeConfig {
  void operator()(duckdb_config config) const { duckdb_destroy_config(&config); }
};

duckdb_state bind_list(duckdb_prepared_statement statement, idx_t index,
                       const std::vector<std::string>& texts) {
  std::vector<duckdb_value> values;
  values.reserve(texts.size());
  for (const std::string& text : texts)
    values.push_back(duckdb_create_varchar_length(text.data(), text.size()));
  duckdb_logical_type type = duckdb_create_logical_type(DUCKDB_TYPE_VARCHAR);
  duckdb_value list = duckdb_create_list_value(type, values.data(), values.size());
  const duckdb_state state = duckdb_bind_value(statement, index, list);
  duckdb_destroy_value(&list);
  duckdb_destroy_logical_type(&type);
  for (duckdb_value& value : values) duckdb_destroy_value(&value);
  return state;
}

struct Binder {
  duckdb_prepared_statement statement;
  idx_t index;

  duckdb_state operator()(std::monostate) const { return duckdb_bind_null(statement, index); }
  duckdb_state operator()(bool value) const { return duckdb_bind_boolean(statement, index, value); }
  duckdb_state operator()(int64_t value) const { return duckdb_bind_int64(statement, index, value); }
  duckdb_state operator()(uint64_t value) const { return duckdb_bind_uint64(statement, index, value); }
  duckdb_state operator()(double value) const { return duckdb_bind_double(statement, index, value); }
  duckdb_state operator()(const std::string& value) const {
    return duckdb_bind_varchar_length(statement, index, value.data(), value.size());
  }
  duckdb_state operator()(const Bytes& value) const {
    return duckdb_bind_blob(statement, index, value.bytes.data(), value.bytes.size());
  }
  duckdb_state operator()(const std::vector<std::string>& value) const {
    return bind_list(statement, index, value);
  }
};

template <class Number>
Number at(const void* data, size_t row) {
  return static_cast<const Number*>(data)[row];
}

int64_t saturated(duckdb_hugeint value) {
  if (value.upper == 0 && value.lower <= INT64_MAX) return static_cast<int64_t>(value.lower);
  if (value.upper == -1 && value.lower > INT64_MAX) return static_cast<int64_t>(value.lower);
  return value.upper < 0 ? INT64_MIN : INT64_MAX;
}

std::string_view view(duckdb_string_t& text) {
  return {duckdb_string_t_data(&text), duckdb_string_t_length(text)};
}

}  // namespace

struct Rows::State {
  duckdb_prepared_statement statement = nullptr;
  duckdb_result result{};
  duckdb_data_chunk chunk = nullptr;
  size_t row = 0, rows = 0;
  struct Vector {
    duckdb_vector vector = nullptr;
    duckdb_type type = DUCKDB_TYPE_INVALID;
    void* data = nullptr;
    uint64_t* valid = nullptr;
  };
  std::vector<Vector> vectors;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    duckdb_destroy_data_chunk(&chunk);
    duckdb_destroy_result(&result);
    duckdb_destroy_prepare(&statement);
  }

  void take_chunk() {
    rows = duckdb_data_chunk_get_size(chunk);
    row = 0;
    vectors.resize(duckdb_data_chunk_get_column_count(chunk));
    for (size_t i = 0; i < vectors.size(); ++i) {
      const duckdb_vector vector = duckdb_data_chunk_get_vector(chunk, i);
      vectors[i] = {vector, duckdb_column_type(&result, i), duckdb_vector_get_data(vector),
                    duckdb_vector_get_validity(vector)};
    }
  }
};

Rows::Rows() : state_(std::make_unique<State>()) {}
Rows::~Rows() = default;
Rows::Rows(Rows&&) noexcept = default;
Rows& Rows::operator=(Rows&&) noexcept = default;

base::Result<bool> Rows::next() {
  State& s = *state_;
  if (++s.row < s.rows) return true;
  duckdb_destroy_data_chunk(&s.chunk);
  s.rows = 0;
  s.chunk = duckdb_fetch_chunk(s.result);
  if (s.chunk == nullptr || duckdb_data_chunk_get_size(s.chunk) == 0) {
    const char* const error = duckdb_result_error(&s.result);
    if (error != nullptr && *error != '\0') return failure(error);
    return false;
  }
  s.take_chunk();
  return true;
}

bool Rows::null(size_t column) const {
  return !duckdb_validity_row_is_valid(state_->vectors[column].valid, state_->row);
}

int64_t Rows::number(size_t column) const {
  if (null(column)) return 0;
  const auto& [vector, type, data, valid] = state_->vectors[column];
  const size_t row = state_->row;
  switch (type) {
    case DUCKDB_TYPE_BOOLEAN: return at<bool>(data, row);
    case DUCKDB_TYPE_TINYINT: return at<int8_t>(data, row);
    case DUCKDB_TYPE_UTINYINT: return at<uint8_t>(data, row);
    case DUCKDB_TYPE_SMALLINT: return at<int16_t>(data, row);
    case DUCKDB_TYPE_USMALLINT: return at<uint16_t>(data, row);
    case DUCKDB_TYPE_INTEGER: return at<int32_t>(data, row);
    case DUCKDB_TYPE_UINTEGER: return at<uint32_t>(data, row);
    case DUCKDB_TYPE_HUGEINT: return saturated(at<duckdb_hugeint>(data, row));
    case DUCKDB_TYPE_DOUBLE: return static_cast<int64_t>(at<double>(data, row));
    default: return at<int64_t>(data, row);
  }
}

double Rows::real(size_t column) const {
  if (null(column)) return 0;
  const auto& vector = state_->vectors[column];
  if (vector.type == DUCKDB_TYPE_DOUBLE) return at<double>(vector.data, state_->row);
  return static_cast<double>(number(column));
}

std::string_view Rows::text(size_t column) const {
  if (null(column)) return {};
  return view(static_cast<duckdb_string_t*>(state_->vectors[column].data)[state_->row]);
}

std::vector<std::string_view> Rows::texts(size_t column) const {
  if (null(column)) return {};
  const auto& list = state_->vectors[column];
  const auto entry = at<duckdb_list_entry>(list.data, state_->row);
  auto* const texts =
      static_cast<duckdb_string_t*>(duckdb_vector_get_data(duckdb_list_vector_get_child(list.vector)));
  std::vector<std::string_view> found;
  for (uint64_t i = 0; i < entry.length; ++i) found.push_back(view(texts[entry.offset + i]));
  return found;
}

size_t Rows::columns() const { return duckdb_column_count(&state_->result); }

std::string Rows::column_name(size_t column) const { return duckdb_column_name(&state_->result, column); }

struct Duck::State {
  duckdb_database database = nullptr;
  duckdb_connection connection = nullptr;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    duckdb_disconnect(&connection);
    duckdb_close(&database);
  }
};

Duck::Duck() : state_(std::make_unique<State>()) {}
Duck::~Duck() = default;
Duck::Duck(Duck&&) noexcept = default;
Duck& Duck::operator=(Duck&&) noexcept = default;

base::Result<Duck> Duck::open(const DuckOptions& options) {
  duckdb_config made = nullptr;
  if (duckdb_create_config(&made) != DuckDBSuccess) return failure(nullptr);
  const std::unique_ptr<std::remove_pointer_t<duckdb_config>, FreeConfig> config(made);
  const auto set = [&](const char* name, const std::string& value) {
    duckdb_set_config(config.get(), name, value.c_str());
  };
  set("threads", std::to_string(options.threads));
  set("memory_limit", std::to_string(options.memory_bytes >> 20) + "MiB");
  set("temp_directory", options.spill_folder);
  set("autoinstall_known_extensions", "false");
  set("autoload_known_extensions", "false");
  set("preserve_insertion_order", "true");
  Duck duck;
  char* said = nullptr;
  const base::SignalsBlocked blocked;  // its threads must not take our signals
  if (duckdb_open_ext(nullptr, &duck.state_->database, config.get(), &said) != DuckDBSuccess) {
    auto failed = failure(said);
    duckdb_free(said);
    return failed;
  }
  if (duckdb_connect(duck.state_->database, &duck.state_->connection) != DuckDBSuccess)
    return failure(nullptr);
  return duck;
}

base::Result<Rows> Duck::query(const std::string& sql, const std::vector<Value>& values) {
  Rows rows;
  Rows::State& state = *rows.state_;
  if (duckdb_prepare(state_->connection, sql.c_str(), &state.statement) != DuckDBSuccess)
    return failure(duckdb_prepare_error(state.statement));
  for (size_t i = 0; i < values.size(); ++i)
    if (std::visit(Binder{state.statement, i + 1}, values[i]) != DuckDBSuccess)
      return failure(duckdb_prepare_error(state.statement));
  duckdb_pending_result pending = nullptr;
  if (duckdb_pending_prepared_streaming(state.statement, &pending) != DuckDBSuccess) {
    auto failed = failure(duckdb_pending_error(pending));
    duckdb_destroy_pending(&pending);
    return failed;
  }
  const duckdb_state done = duckdb_execute_pending(pending, &state.result);
  duckdb_destroy_pending(&pending);
  if (done != DuckDBSuccess) return failure(duckdb_result_error(&state.result));
  return rows;
}

base::Result<void> Duck::run(const std::string& sql, const std::vector<Value>& values) {
  auto rows = query(sql, values);
  if (!rows) return std::unexpected(rows.error());
  for (;;) {
    const auto more = rows->next();
    if (!more) return std::unexpected(more.error());
    if (!*more) return {};
  }
}

base::Result<int64_t> Duck::number(const std::string& sql, const std::vector<Value>& values) {
  auto rows = query(sql, values);
  if (!rows) return std::unexpected(rows.error());
  // To its end: an answer that is given up takes its transaction with it, and what was done meanwhile.
  int64_t found = 0;
  for (;;) {
    const auto more = rows->next();
    if (!more) return std::unexpected(more.error());
    if (!*more) return found;
    found = rows->number(0);
  }
}

void Duck::interrupt() { duckdb_interrupt(state_->connection); }

void* Duck::connection() const { return state_->connection; }

std::string one_line(const char* said) {
  const std::string all = said == nullptr ? "" : said;
  const std::string first = all.substr(0, std::min(all.find("\n\n"), all.find("\nLINE ")));
  return std::regex_replace(first, std::regex("\\s+"), " ");
}

std::string quoted(std::string_view text) {
  std::string literal = "'";
  for (const char c : text) literal += c == '\'' ? "''" : std::string(1, c);
  return literal + "'";
}

}  // namespace wl::store
