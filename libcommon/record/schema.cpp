#include "libcommon/record/schema.h"

#include <algorithm>
#include <array>
#include <vector>

#include <nlohmann/json.hpp>

namespace wl::record {
namespace {

using Json = nlohmann::ordered_json;

// --- JSON Schema ---

/// Times are text, or as --time says a number of seconds or nanoseconds as text.
constexpr std::string_view kTimePattern = R"(^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.(\d{6}|\d{9})Z|-?\d+)$)";

Json whole_number(uint64_t largest) { return {{"type", "integer"}, {"minimum", 0}, {"maximum", largest}}; }

Json json_object(std::span<const KeyInfo> keys, Json properties, Json required);

Json json_kind(const KeyInfo& info) {
  constexpr uint64_t kLargest = (uint64_t{1} << 53) - 1;
  switch (info.kind) {
    case Kind::u8: return whole_number(UINT8_MAX);
    case Kind::u16: return whole_number(UINT16_MAX);
    case Kind::u32: return whole_number(UINT32_MAX);
    case Kind::u64: return whole_number(kLargest);
    case Kind::number: return {{"type", "number"}};
    case Kind::boolean: return {{"type", "boolean"}};
    case Kind::text: return {{"type", "string"}};
    case Kind::ip: return {{"type", "string"}, {"anyOf", {{{"format", "ipv4"}}, {{"format", "ipv6"}}}}};
    case Kind::mac: return {{"type", "string"}, {"pattern", "^([0-9a-f]{2}:){5}[0-9a-f]{2}$"}};
    case Kind::tcp_flags: return {{"type", "string"}, {"pattern", "^F?S?R?P?A?U?E?C?$"}};
    case Kind::time: return {{"$ref", "#/$defs/time"}};
    case Kind::base64: return {{"type", "string"}, {"contentEncoding", "base64"}};
    case Kind::text_list: return {{"type", "array"}, {"items", {{"type", "string"}}}};
    case Kind::object_list:
      return {{"type", "array"}, {"items", json_object(info.items, Json::object(), Json::array())}};
  }
  return {};
}

Json json_object(std::span<const KeyInfo> keys, Json properties, Json required) {
  for (const KeyInfo& info : keys) {
    Json property = json_kind(info);
    std::string text(info.text);
    if (!info.unit.empty()) text += " [" + std::string(info.unit) + "]";
    property["description"] = text;
    properties[std::string(info.key)] = std::move(property);
    if (info.always) required.push_back(info.key);
  }
  Json object{{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) object["required"] = std::move(required);
  object["additionalProperties"] = false;
  return object;
}

std::string json_schema(std::string_view subject, std::span<const RecordType* const> types) {
  Json schema{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
              {"title", subject},
              {"description", "One line of what " + std::string(subject) + " writes."}};
  Json one_of = Json::array();
  for (const RecordType* type : types) {
    Json variant{{"title", type->name}, {"description", type->text}};
    variant.update(json_object(type->keys, {{"type", {{"const", type->name}}}}, {"type"}));
    variant["additionalProperties"] = type->open;
    one_of.push_back(std::move(variant));
  }
  schema["oneOf"] = std::move(one_of);
  schema["$defs"]["time"] = {
      {"anyOf", {{{"type", "string"}, {"pattern", kTimePattern}}, {{"type", "number"}}}}};
  return schema.dump(2) + "\n";
}

// --- tables: one for all types, each key a column ---

struct Column {
  std::string key;
  Kind kind;
  std::string text;
  std::vector<Column> items;
};

void add_columns(std::vector<Column>& columns, std::span<const KeyInfo> keys) {
  for (const KeyInfo& info : keys) {
    auto found = std::ranges::find(columns, info.key, &Column::key);
    if (found == columns.end()) {
      columns.push_back({std::string(info.key), info.kind, std::string(info.text), {}});
      found = std::prev(columns.end());
    }
    add_columns(found->items, info.items);
  }
}

std::vector<Column> columns_of(std::span<const RecordType* const> types) {
  std::vector<Column> columns{{"type", Kind::text, "which record this is", {}}};
  for (const RecordType* type : types) add_columns(columns, type->keys);
  return columns;
}

std::string in_quotes(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out += quote;
    out += c;
  }
  return out + quote;
}

/// Signed and wide enough, so that the difference of two columns is never out of range.
std::string duckdb_kind(const Column& column) {
  switch (column.kind) {
    case Kind::u8: return "SMALLINT";
    case Kind::u16: return "INTEGER";
    case Kind::u32:
    case Kind::u64: return "BIGINT";
    case Kind::number: return "DOUBLE";
    case Kind::boolean: return "BOOLEAN";
    case Kind::text_list: return "VARCHAR[]";
    case Kind::time: return "TIMESTAMP_NS";
    case Kind::object_list: {
      std::string fields;
      for (const Column& item : column.items) {
        fields += (fields.empty() ? "" : ", ") + in_quotes(item.key, '"') + " " + duckdb_kind(item);
      }
      return "STRUCT(" + fields + ")[]";
    }
    default: return "VARCHAR";
  }
}

std::string duckdb_query(std::string_view subject, std::span<const RecordType* const> types) {
  std::string out = "SELECT * FROM read_json(" + in_quotes(std::string(subject) + ".ndjson", '\'') +
                    ", format='newline_delimited', maximum_object_size=16777216, columns={\n";
  const std::vector<Column> columns = columns_of(types);
  for (const Column& column : columns) {
    out += "  " + in_quotes(column.key, '\'') + ": " + in_quotes(duckdb_kind(column), '\'');
    out += &column == &columns.back() ? "\n" : ",\n";
  }
  return out + "});\n";
}

std::string clickhouse_kind(const Column& column) {
  switch (column.kind) {
    case Kind::u8: return "Nullable(UInt8)";
    case Kind::u16: return "Nullable(UInt16)";
    case Kind::u32: return "Nullable(UInt32)";
    case Kind::u64: return "Nullable(UInt64)";
    case Kind::number: return "Nullable(Float64)";
    case Kind::boolean: return "Nullable(Bool)";
    case Kind::text_list: return "Array(String)";
    case Kind::time: return "Nullable(DateTime64(9, 'UTC'))";
    case Kind::object_list: {
      std::string fields;
      for (const Column& item : column.items) {
        fields += (fields.empty() ? "" : ", ") + in_quotes(item.key, '`') + " " + clickhouse_kind(item);
      }
      return "Array(Tuple(" + fields + "))";
    }
    default: return "Nullable(String)";
  }
}

std::string clickhouse_table(std::string_view subject, std::span<const RecordType* const> types) {
  const std::string name(subject);
  std::string out = "-- clickhouse-client --date_time_input_format=best_effort -q 'INSERT INTO " + name +
                    " FORMAT JSONEachRow' < " + name + ".ndjson\n";
  out += "CREATE TABLE " + in_quotes(name, '`') + "\n(\n";
  const std::vector<Column> columns = columns_of(types);
  for (const Column& column : columns) {
    const bool is_type = &column == &columns.front();
    out += "  " + in_quotes(column.key, '`') + " " +
           (is_type ? "LowCardinality(String)" : clickhouse_kind(column)) + " COMMENT " +
           in_quotes(column.text, '\'') + (&column == &columns.back() ? "\n" : ",\n");
  }
  const bool timed = std::ranges::find(columns, "ts", &Column::key) != columns.end();
  out += ")\nENGINE = MergeTree\nORDER BY ";
  return out + (timed ? "(type, ifNull(ts, toDateTime64(0, 9, 'UTC')))" : "type") + ";\n";
}

}  // namespace

std::optional<SchemaLanguage> schema_language(std::string_view name) {
  if (name == "json") return SchemaLanguage::json;
  if (name == "duckdb") return SchemaLanguage::duckdb;
  if (name == "clickhouse") return SchemaLanguage::clickhouse;
  return std::nullopt;
}

std::string schema(SchemaLanguage language, std::string_view subject,
                   std::span<const RecordType* const> types) {
  switch (language) {
    case SchemaLanguage::json: return json_schema(subject, types);
    case SchemaLanguage::duckdb: return duckdb_query(subject, types);
    case SchemaLanguage::clickhouse: return clickhouse_table(subject, types);
  }
  return {};
}

}  // namespace wl::record
