#include <random>
#include <string>

#include <catch2/catch.hpp>

#include "libcommon/ndjson/flat_scan.h"

using namespace wl;

namespace {

const std::vector<std::string> kKeys{"type", "ts", "len", "a_key_of_more_than_sixteen", "flow.bytes", "x"};

struct Scan {
  ndjson::FlatScan scan{kKeys};
  std::vector<ndjson::Value> values = std::vector<ndjson::Value>(kKeys.size());

  bool read(std::string line) {
    values.assign(kKeys.size(), {});
    const size_t size = line.size();
    kept = std::move(line) + std::string(ndjson::kPadding, '"');  // hostile bytes behind the line
    return scan.read(std::string_view(kept).substr(0, size), values);
  }
  std::string kept;
};

}  // namespace

TEST_CASE("flat lines are read whatever came before") {
  Scan scan;
  for (int round = 0; round < 3; ++round) {
    REQUIRE(
        scan.read(R"({"type":"packet","ts":1.5,"len":60,"other":true,"a_key_of_more_than_sixteen":"v"})"));
    CHECK(scan.values[0].text == "packet");
    CHECK(scan.values[1].kind == ndjson::ValueKind::number);
    CHECK(scan.values[1].text == "1.5");
    CHECK(scan.values[3].text == "v");
    CHECK(scan.values[5].kind == ndjson::ValueKind::absent);
    REQUIRE(scan.read(R"({"len":-7,"x":null,"flow.bytes":false,"len":8})"
                      "\r"));
    CHECK(scan.values[2].text == "8");
    CHECK(scan.values[4].kind == ndjson::ValueKind::boolean);
    CHECK_FALSE(scan.values[5].present());
    REQUIRE(scan.read(R"({"x":["a",-1.5,true],"y":[7],"len":12345678901})"));
    CHECK(scan.values[5].kind == ndjson::ValueKind::array);
    CHECK(scan.values[5].text == R"(["a",-1.5,true])");
    CHECK(scan.values[2].whole == 12345678901);
  }
}

TEST_CASE("what is not flat and plain is left to the full parser") {
  for (const char* const line : {"",
                                 "{",
                                 "{}",
                                 "[]",
                                 "1",
                                 R"({"a":1)",
                                 R"({"a":1,})",
                                 R"({"a":1}x)",
                                 R"({"a":01})",
                                 R"({"a":1.})",
                                 R"({"a":-})",
                                 R"({"a":1e5})",
                                 R"({"a":tru})",
                                 R"({"a":nulll})",
                                 R"({"a":[]})",
                                 R"({"a":[[1]]})",
                                 R"({"a":[{}]})",
                                 R"({"a":[1,]})",
                                 R"({"a":[1 ]})",
                                 R"({"a":[1})",
                                 R"({"a":[1)",
                                 R"({"a":[)",
                                 R"({"a":["b\"]})",
                                 R"({"a":{"b":1}})",
                                 R"({"a" :1})",
                                 R"({"a": 1})",
                                 R"({"a":"b\n"})",
                                 "{\"a\":\"\x01\"}",
                                 "{\"a\":\"\xc3\xa4\"}",
                                 "{\"\xc3\xa4\":1}",
                                 R"({"a":"b})",
                                 R"({"a)",
                                 R"({a:1})",
                                 R"({"a":1 })",
                                 R"({"a":"b"c})",
                                 R"({"a":,"b":1})"}) {
    INFO(line);
    CHECK_FALSE(Scan().read(line));
  }
}

TEST_CASE("what the quick way accepts, the full parser reads alike") {
  std::mt19937 random(7159);
  const std::string alphabet = R"({}[]:,"\ 0123456789-.etrufalsn)"
                               "xlen\x01\xc3\xa4";
  const std::string seed =
      R"({"type":"packet","ts":"2026-11-20T09:03:00.1Z","len":60,"x":[true,"e",12],"flow.bytes":null})";
  Scan scan;
  int accepted = 0;
  for (int i = 0; i < 200000; ++i) {
    std::string line = seed;
    for (auto edits = random() % 3; edits-- > 0;) {
      const size_t at = random() % line.size();
      const char c = alphabet[random() % alphabet.size()];
      switch (random() % 3) {
        case 0: line[at] = c; break;
        case 1: line.insert(at, 1, c); break;
        default: line.erase(at, 1); break;
      }
    }
    if (!scan.read(line)) continue;
    ++accepted;
    // Only the full parser can read what is nested.
    const std::string nested = "{\"deep\":{\"er\":0}," + line.substr(1) + std::string(ndjson::kPadding, ' ');
    ndjson::Fields full(kKeys);
    REQUIRE(full.read(std::string_view(nested).substr(0, nested.size() - ndjson::kPadding)));
    for (size_t k = 0; k < kKeys.size(); ++k) {
      REQUIRE(full[k].kind == scan.values[k].kind);
      REQUIRE(full[k].text == scan.values[k].text);
      if (scan.values[k].has_whole) REQUIRE(std::to_string(scan.values[k].whole) == scan.values[k].text);
    }
  }
  CHECK(accepted > 10000);
}
