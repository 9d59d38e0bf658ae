#include <array>
#include <random>
#include <string>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "libcommon/ndjson/fields.h"

using namespace wl::ndjson;

namespace {

/// Text with the bytes behind it that a line has.
std::string padded(std::string_view json) { return std::string(json) + std::string(kPadding, '}'); }

bool reads(Fields& fields, const std::string& buffer) {
  return fields.read(std::string_view(buffer).substr(0, buffer.size() - kPadding));
}

bool is_object(std::string_view json) {
  const std::array<std::string, 1> none{"x"};
  Fields fields(none);
  return reads(fields, padded(json));
}

}  // namespace

TEST_CASE("values by kind", "[ndjson]") {
  const std::array<std::string, 8> paths{"t", "n", "b", "z", "o", "a", "missing", "a_key_of_more_than_eight"};
  Fields f(paths);
  const std::string line = padded(
      R"({ "t" : "x\u0041\"" , "n":-1.5e3,"b":true,"z":null,"o":{"p":[1,{}]} ,"a":[ 1, "]" ],"a_key_of_more_than_eight":7})");
  REQUIRE(reads(f, line));
  CHECK((f[0].kind == ValueKind::text && f[0].text == "xA\""));
  CHECK((f[1].kind == ValueKind::number && f[1].text == "-1.5e3"));
  CHECK((f[2].kind == ValueKind::boolean && f[2].text == "true"));
  CHECK((f[3].kind == ValueKind::null && !f[3].present()));
  CHECK((f[4].kind == ValueKind::object && f[4].text == R"({"p":[1,{}]})"));
  CHECK((f[5].kind == ValueKind::array && f[5].text == R"([ 1, "]" ])"));
  CHECK(f[6].kind == ValueKind::absent);
  CHECK(f[7].text == "7");
  const std::string next = padded("{}");
  REQUIRE(reads(f, next));
  CHECK(f[0].kind == ValueKind::absent);
}

TEST_CASE("paths reach into objects, and keys with dots are found too", "[ndjson]") {
  const std::array<std::string, 4> paths{"flow.bytes", "flow.deep.er", "flow", "a.b"};
  Fields f(paths);
  const std::string line = padded(R"({"flow":{"bytes":1,"deep":{"er":"x","other":2}},"a.b":3})");
  REQUIRE(reads(f, line));
  CHECK(f[0].text == "1");
  CHECK(f[1].text == "x");
  CHECK(f[3].text == "3");
  const std::string dotted = padded(R"({"flow.bytes":5,"flow":{"deep.er":6},"a":{"b":7}})");
  REQUIRE(reads(f, dotted));
  CHECK(f[0].text == "5");
  CHECK(f[1].text == "6");
  CHECK(f[3].text == "7");
  const std::string scalar = padded(R"({"flow":"text"})");
  REQUIRE(reads(f, scalar));
  CHECK(f[2].text == "text");
  CHECK(f[0].kind == ValueKind::absent);
}

TEST_CASE("of a key that stands twice the last counts; keys may be escaped", "[ndjson]") {
  const std::array<std::string, 2> paths{"len", "src_ip"};
  Fields f(paths);
  const std::string line = padded(R"({"len":1,"s\u0072c_ip":"a\\b","len":2})");
  REQUIRE(reads(f, line));
  CHECK(f[0].text == "2");
  CHECK(f[1].text == "a\\b");
}

TEST_CASE("what is no JSON object", "[ndjson]") {
  for (const char* good : {"{}", " {\"a\":1} ", "{\"a\":0,\"b\":-0.0,\"c\":1E+9}", "{\"\":{\"\":[]}}\r"}) {
    INFO(good);
    CHECK(is_object(good));
  }
  for (const char* bad : {"",
                          " ",
                          "[]",
                          "1",
                          "\"a\"",
                          "{",
                          "}",
                          "{\"a\"}",
                          "{\"a\":}",
                          "{\"a\":1,}",
                          "{,}",
                          "{\"a\":1}}",
                          "{\"a\":1}{}",
                          "{\"a\":1} x",
                          "{a:1}",
                          "{\"a\":01}",
                          "{\"a\":1.}",
                          "{\"a\":.5}",
                          "{\"a\":+1}",
                          "{\"a\":1e}",
                          "{\"a\":bad}",
                          "{\"a\":nul}",
                          "{\"a\":truex}",
                          "{\"a\":\"x}",
                          "{\"a\":\"\\q\"}",
                          "{\"a\":\"\\ud800\"}",
                          "{\"a\":[1,]}",
                          "{\"a\":[1 2]}",
                          "{\"a\":[}",
                          "{\"a\":{]}",
                          "{\"a\" 1}",
                          "{\"a\"x:1}",
                          "{\"a\":1 \"b\":2}",
                          "{\"a\":\"\x01\"}",
                          "{\"a\":\"\xff\"}",
                          "{\"a\":\"\xc0\x80\"}",
                          "{1:2}",
                          "{\"a\":\"b\"\"c\"}",
                          "{\"a\":1\"b\"}",
                          "{{}}"}) {
    INFO(bad);
    CHECK_FALSE(is_object(bad));
  }
  CHECK_FALSE(is_object(std::string_view("{\"a\":\0}", 7)));
  CHECK_FALSE(is_object(std::string_view("{\"a\":\"\0\"}", 9)));
  const auto nested = [](size_t depth) {
    return "{\"a\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  CHECK(is_object(nested(200)));
  CHECK_FALSE(is_object(nested(100'000)));
}

TEST_CASE("every mutilated record is judged as by another parser", "[ndjson]") {
  const bool flat = GENERATE(false, true);
  const std::string seed =
      flat
          ? R"({"type":"packet","n":12,"s":"abc","t":true,"x":-1.50,"long_key_of_more_than_16":null})"
          : R"({"type":"packet","ts":"2026-11-20T09:03:00.1Z","n":12,"x":[1,{"y":null,"z":-1.5e-3}],"s":"a\n\u00e9\\","t":true})";
  std::mt19937 random(7);
  const std::string bytes = "{}[]\",:\\ 0e-.tn\x80\xc3\x01u";
  const std::array<std::string, 2> paths{"n", "s"};
  Fields used(paths);  // has seen many lines: takes the quick way where it can
  int accepted = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string text = seed;
    for (auto k = random() % 3 + 1; k > 0; --k) {
      const size_t at = random() % text.size();
      if (random() % 2 == 0) {
        text[at] = bytes[random() % bytes.size()];
      } else {
        text.erase(at, random() % 4 + 1);
      }
      if (text.empty()) text = " ";
    }
    const auto other = nlohmann::json::parse(text, nullptr, false);
    INFO(text);
    const bool wanted = !other.is_discarded() && other.is_object();
    REQUIRE(is_object(text) == wanted);
    const std::string line = padded(text);
    REQUIRE(reads(used, line) == wanted);
    if (wanted && other.contains("n") && other.at("n").is_number()) {
      REQUIRE(nlohmann::json::parse(used[0].text) == other.at("n"));
    }
    if (wanted && other.contains("s") && other.at("s").is_string())
      REQUIRE(used[1].text == other.at("s").get<std::string>());
    accepted += wanted ? 1 : 0;
  }
  CHECK(accepted > 500);
}

TEST_CASE("objects of an array, and the keys of an object", "[ndjson]") {
  const std::array<std::string, 1> outer_path{"list"};
  const std::array<std::string, 1> inner_path{"v"};
  Fields outer(outer_path), inner(inner_path);
  const std::string line = padded(R"({"list":[{"v":1},{"w":2},{"v":"3"}],"x":1})");
  REQUIRE(reads(outer, line));
  std::string seen;
  CHECK(inner.read_each(outer[0].text, [&] {
    seen += inner[0].present() ? std::string(inner[0].text) : "-";
    return true;
  }));
  CHECK(seen == "1-3");
  CHECK_FALSE(inner.read_each(outer[0].text, [] { return false; }));
  const std::string scalars = padded(R"({"list":[1]})");
  REQUIRE(reads(outer, scalars));
  CHECK_FALSE(inner.read_each(outer[0].text, [] { return true; }));
  const std::string object = padded(R"({"b":1,"a":{"c":2}})");
  CHECK(Fields::keys(std::string_view(object).substr(0, object.size() - kPadding)) ==
        std::vector<std::string>{"b", "a"});
  const std::string none = padded("[]");
  CHECK(Fields::keys(std::string_view(none).substr(0, 2)).empty());
}
