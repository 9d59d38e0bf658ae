#pragma once
// --schema: what a tool writes, for validators and databases.
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "libcommon/record/type.h"

namespace wl::record {

enum class SchemaLanguage : uint8_t { json, duckdb, clickhouse };

[[nodiscard]] std::optional<SchemaLanguage> schema_language(std::string_view name);

/// json: a JSON Schema (2020-12) of one line of output; duckdb: a `SELECT … FROM read_json(…, columns={…})`;
/// clickhouse: a CREATE TABLE. One table holds all types of the tool (a key has one meaning in all of them).
/// `subject` names the table and the file: "netsniff". Ends with a newline.
[[nodiscard]] std::string schema(SchemaLanguage language, std::string_view subject,
                                 std::span<const RecordType* const> types);

}  // namespace wl::record
