#include "libcommon/store/user_sql.h"

#include <algorithm>
#include <memory>

#include <duckdb.h>

#include "libcommon/record/packet.h"
#include "libcommon/store/functions.h"

namespace wl::store {
namespace {

struct DestroyExtracted {
  void operator()(duckdb_extracted_statements statements) const { duckdb_destroy_extracted(&statements); }
};
struct DestroyPrepared {
  void operator()(duckdb_prepared_statement statement) const { duckdb_destroy_prepare(&statement); }
};
using Extracted = std::unique_ptr<std::remove_pointer_t<duckdb_extracted_statements>, DestroyExtracted>;
using Prepared = std::unique_ptr<std::remove_pointer_t<duckdb_prepared_statement>, DestroyPrepared>;

std::unexpected<base::Error> refuse(const std::string& text, std::string hint = {}) {
  return base::fail("sql: " + text, std::move(hint), base::Exit::usage);
}

constexpr const char* kQuestions = "SELECT, FROM, WITH, VALUES, DESCRIBE";

std::unexpected<base::Error> refuse_as(const char* said) {
  const std::string line = one_line(said);
  return refuse(line.empty() ? "no statement" : line);
}

/// Exactly one statement, and a question.
base::Result<void> check(Duck& duck, const std::string& sql) {
  duckdb_extracted_statements made = nullptr;
  const idx_t count =
      duckdb_extract_statements(static_cast<duckdb_connection>(duck.connection()), sql.c_str(), &made);
  const Extracted statements(made);
  if (count == 0) return refuse_as(duckdb_extract_statements_error(made));
  if (count != 1) return refuse(std::to_string(count) + " statements", "one at a time");
  duckdb_prepared_statement prepared_raw = nullptr;
  const duckdb_state state = duckdb_prepare_extracted_statement(
      static_cast<duckdb_connection>(duck.connection()), made, 0, &prepared_raw);
  const Prepared prepared(prepared_raw);
  if (state != DuckDBSuccess) return refuse_as(duckdb_prepare_error(prepared_raw));
  if (duckdb_prepared_statement_type(prepared_raw) != DUCKDB_STATEMENT_TYPE_SELECT)
    return refuse("only questions are answered", kQuestions);
  if (duckdb_nparams(prepared_raw) != 0) return refuse("a parameter has no value here", "write the value");
  return {};
}

std::string identifier(const std::string& name) {
  std::string quoted = "\"";
  for (const char c : name) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

/// How times are written.
struct Times {
  base::TimeFormat format;
  int digits;
};

std::string time_text(const std::string& value, const Times& times) {
  const std::string ns = "epoch_ns(" + value + "::timestamp_ns)";
  switch (times.format) {
    case base::TimeFormat::rfc3339: {
      const std::string micros = "make_timestamp(" + ns + " // 1000)";
      if (times.digits == 6) return "strftime(" + micros + ", '%Y-%m-%dT%H:%M:%S.%fZ')";
      // %n of DuckDB 1.5 writes more than nine digits.
      return "strftime(" + micros + ", '%Y-%m-%dT%H:%M:%S.%f') || lpad((" + ns +
             " % 1000)::varchar, 3, '0') || 'Z'";
    }
    case base::TimeFormat::epoch: return ns + " / 1e9";
    case base::TimeFormat::epoch_ns: return ns + "::varchar";
  }
  return value;
}

/// The form of the key that the column is; text where it is none.
record::Form form_of(std::string_view name) {
  if (name == "out_tcp_flags" || name == "in_tcp_flags") return record::Form::tcp_flags;
  const auto fields = record::packet_fields();
  const auto field = std::ranges::find(fields, name, &record::FieldInfo::key);
  return field == fields.end() ? record::Form::text : field->form;
}

/// What stands in the object for the column.
std::string json_value(const std::string& name, duckdb_type type, const Times& times) {
  std::string value = "q." + identifier(name);
  const record::Form form = form_of(name);
  switch (type) {
    case DUCKDB_TYPE_BLOB: return (form == record::Form::ip ? "ip_text(" : "to_base64(") + value + ")";
    case DUCKDB_TYPE_UTINYINT:
      return form == record::Form::tcp_flags ? "tcp_flags_text(" + value + ")" : value;
    case DUCKDB_TYPE_FLOAT:
    case DUCKDB_TYPE_DOUBLE: return "if(isfinite(" + value + "), " + value + ", null)";
    case DUCKDB_TYPE_UBIGINT:
      if (form == record::Form::mac) return "mac_text(" + value + ")";
      [[fallthrough]];
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_HUGEINT:
    case DUCKDB_TYPE_UHUGEINT:
      return "if(" + value + " between -9007199254740991 and 9007199254740991, to_json(" + value +
             "), to_json(" + value + "::varchar))";
    case DUCKDB_TYPE_TIMESTAMP:
    case DUCKDB_TYPE_TIMESTAMP_S:
    case DUCKDB_TYPE_TIMESTAMP_MS:
    case DUCKDB_TYPE_TIMESTAMP_NS:
    case DUCKDB_TYPE_TIMESTAMP_TZ: return time_text(value, times);
    default: return value;
  }
}

}  // namespace

base::Result<std::string> rows_as_json(Duck& duck, const std::string& sql, base::TimeFormat time,
                                       int digits) {
  if (const auto known = register_functions(duck); !known) return std::unexpected(known.error());
  if (const auto checked = check(duck, sql); !checked) return std::unexpected(checked.error());
  const size_t end = sql.find_last_not_of("; \t\r\n");
  // On lines of its own: it may end in a comment.
  const std::string from = " from (\n" + sql.substr(0, end + 1) + "\n) q";
  duckdb_prepared_statement raw = nullptr;
  const duckdb_state state =
      duckdb_prepare(static_cast<duckdb_connection>(duck.connection()), ("select *" + from).c_str(), &raw);
  const Prepared prepared(raw);
  // By itself DuckDB took it.
  if (state != DuckDBSuccess)
    return refuse("only questions are answered, and nothing behind a ';'", kQuestions);
  std::string values;
  for (idx_t i = 0; i < duckdb_prepared_statement_column_count(raw); ++i) {
    const char* const given = duckdb_prepared_statement_column_name(raw, i);
    const std::string name = given;
    duckdb_free(const_cast<char*>(given));
    if (name == "type")
      return refuse("the column \"type\" would hide the record's type", "name it: … AS kind");
    const std::string pair = ", " + quoted(name) + ", " +
                             json_value(name, duckdb_prepared_statement_column_type(raw, i), {time, digits});
    values.insert(name == "ts" ? 0 : values.size(), pair);
  }
  // What is null goes with the patch.
  return "select json_merge_patch('{}', json_object('type', 'row'" + values + "))::varchar" + from;
}

}  // namespace wl::store
