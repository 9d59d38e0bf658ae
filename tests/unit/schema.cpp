#include "libcommon/record/schema.h"

#include <array>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "libcommon/record/stream_types.h"

using namespace wl::record;
using Json = nlohmann::json;

namespace {

constexpr std::array<KeyInfo, 2> kItems{
    {{"proto", Kind::text, "", "protocol", true}, {"port", Kind::u16, "", "service port"}}};
constexpr std::array<KeyInfo, 4> kKeys{{{"ts", Kind::time, "", "begin", true},
                                        {"bytes", Kind::u64, "bytes", "the client's bytes", true},
                                        {"protocols", Kind::object_list, "", "shares", false, kItems},
                                        {"ttl", Kind::u8, "", "hop limit"}}};
const RecordType kThing{"thing", "one thing", kKeys};
const std::array<const RecordType*, 2> kTypes{&kThing, &kEndType};

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("the JSON Schema has one closed object for each type") {
  const Json schema = Json::parse(wl::record::schema(SchemaLanguage::json, "tool", kTypes));
  REQUIRE(schema["oneOf"].size() == 2);
  const Json& thing = schema["oneOf"][0];
  CHECK(thing["properties"]["type"]["const"] == "thing");
  CHECK(thing["required"] == Json{"type", "ts", "bytes"});
  CHECK(thing["additionalProperties"] == false);
  CHECK(thing["properties"]["ttl"]["maximum"] == 255);
  CHECK(thing["properties"]["bytes"]["maximum"] == 9007199254740991);
  CHECK(thing["properties"]["bytes"]["description"] == "the client's bytes [bytes]");
  const Json& item = thing["properties"]["protocols"]["items"];
  CHECK(item["required"] == Json::array({"proto"}));
  CHECK(item["additionalProperties"] == false);
}

TEST_CASE("the DuckDB query names each key of all types once") {
  const std::string query = wl::record::schema(SchemaLanguage::duckdb, "tool", kTypes);
  CHECK(contains(query, "read_json('tool.ndjson'"));
  CHECK(contains(query, R"('protocols': 'STRUCT("proto" VARCHAR, "port" INTEGER)[]')"));
  CHECK(contains(query, "'ts': 'TIMESTAMP_NS'"));
  CHECK(query.find("'bytes': 'BIGINT'") == query.rfind("'bytes': 'BIGINT'"));
  CHECK(contains(query, "'reason': 'VARCHAR'"));
}

TEST_CASE("the ClickHouse table takes all types, and its comments are quoted") {
  const std::string table = wl::record::schema(SchemaLanguage::clickhouse, "tool", kTypes);
  CHECK(contains(table, "CREATE TABLE `tool`"));
  CHECK(contains(table, "`bytes` Nullable(UInt64) COMMENT 'the client''s bytes'"));
  CHECK(contains(table, "`protocols` Array(Tuple(`proto` Nullable(String), `port` Nullable(UInt16)))"));
  CHECK(contains(table, "ORDER BY (type, ifNull(ts,"));
}

TEST_CASE("schema languages are known by name") {
  CHECK(schema_language("json") == SchemaLanguage::json);
  CHECK(schema_language("clickhouse") == SchemaLanguage::clickhouse);
  CHECK_FALSE(schema_language("JSON"));
}
