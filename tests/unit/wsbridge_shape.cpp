#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "tools/wsbridge/shape/program.h"

using wl::wsbridge::shape::Program;

namespace {

/// The results, one a line; an error as "! text".
std::string shaped(const std::string& text, std::string_view json,
                   const std::vector<std::pair<std::string, std::string>>& variables = {}) {
  auto program = Program::compile(text, variables);
  if (!program) return "!! " + program.error().line();
  std::string results;
  const auto done =
      program->run(json, [&](std::string_view result) { results += std::string(result) + "\n"; });
  if (!done) results += "! " + done.error().line() + "\n";
  return results;
}

}  // namespace

TEST_CASE("wsbridge: a jq program shapes JSON", "[wsbridge][shape]") {
  CHECK(shaped(".", R"({"z":1, "b":[1, 2], "a":"é\n"})") == "{\"z\":1,\"b\":[1,2],\"a\":\"é\\n\"}\n");
  CHECK(shaped("{type:\"t\", a} # a comment", R"({"a":2})") == "{\"type\":\"t\",\"a\":2}\n");
  CHECK(shaped(".[]", "[1,2,3]") == "1\n2\n3\n");
  CHECK(shaped("empty", "1").empty());
  CHECK(shaped("def f: . + 1; f | f", "1") == "3\n");
  CHECK(shaped("{v: $v}", "null", {{"v", R"({"x":[1]})"}}) == "{\"v\":{\"x\":[1]}}\n");
  CHECK(shaped("[.n, .d, .h]", R"({"n":9007199254740993,"d":1.10,"h":1e400})") ==
        "[9007199254740992,1.1,1.7976931348623157e+308]\n");
}

TEST_CASE("wsbridge: one program runs many times, also after errors", "[wsbridge][shape]") {
  auto program = Program::compile(".a + 1");
  REQUIRE(program);
  for (int i = 0; i < 100; ++i) {
    std::string got;
    const auto keep = [&](std::string_view result) { got = result; };
    CHECK(program->run("{\"a\":" + std::to_string(i) + "}", keep));
    CHECK(got == std::to_string(i + 1));
    CHECK_FALSE(program->run("{\"a\":[]}", keep));
    CHECK_FALSE(program->run("{\"a\":", keep));
  }
}

TEST_CASE("wsbridge: what jq says of a bad program is one line", "[wsbridge][shape]") {
  CHECK(shaped(".a |", "1").starts_with("!! jq: syntax error, unexpected"));
  CHECK(shaped("1 +\nnone_such", "1") == "!! jq: none_such/0 is not defined, line 2");
  CHECK(shaped("$x", "1").starts_with("!! jq: $x is not defined"));
  CHECK(shaped(std::string("1\0", 2), "1") == "!! jq: a NUL in the program");
  for (const char* bad : {".a |", "(((", "{", "import \"a\" as a; .", "include \"a\"; .", "1)", ""}) {
    const std::string said = shaped(bad, "1");
    if (*bad != '\0') CHECK(said.starts_with("!! jq: "));
    CHECK(said.find('\n') == std::string::npos);
  }
}

TEST_CASE("wsbridge: errors of a running program", "[wsbridge][shape]") {
  CHECK(shaped(".a.b", R"({"a":[]})") == "! jq: Cannot index array with string \"b\"\n");
  CHECK(shaped("1, error(\"two\\nlines\")", "1") == "1\n! jq: two lines\n");
  CHECK(shaped("error({code:4})", "1") == "! jq: {\"code\":4}\n");
  CHECK(shaped("1, halt, 2", "1") == "1\n");
  CHECK(shaped("\"x\" | halt_error", "1") == "! jq: x\n");
  CHECK(shaped("[1e9] | implode", "1") == "! jq: implode: no code points\n");
  CHECK(shaped("[104, 105] | implode", "1") == "\"hi\"\n");
  for (const char* bad : {"", "{", "1 2", "nope", "{\"a\":}", "\xff"})
    CHECK(shaped(".", bad).starts_with("! jq: "));
  CHECK(shaped(".", std::string(10'000, '[')).starts_with("! jq: "));
}

TEST_CASE("wsbridge: a program sees its input and nothing else", "[wsbridge][shape]") {
  ::setenv("WSBRIDGE_SECRET", "hidden", 1);
  CHECK(shaped("$ENV", "1") == "{}\n");
  CHECK(shaped("env", "1") == "{}\n");
  CHECK(shaped("1) | ($ENV", "1") == "{}\n");
  CHECK(shaped("env.WSBRIDGE_SECRET, $ENV.WSBRIDGE_SECRET", "1") == "null\nnull\n");
  CHECK(shaped("[inputs]", "1") == "[]\n");
  CHECK(shaped("input_filename, debug, stderr", "1") == "null\n1\n1\n");
  CHECK(shaped("\"a\" | modulemeta", "1") == "! jq: there are no modules\n");
}

TEST_CASE("wsbridge: results without end are ended", "[wsbridge][shape]") {
  size_t results = 0;
  auto many = Program::compile("repeat(1)");
  REQUIRE(many);
  CHECK(many->run("1", [&](std::string_view) { ++results; }).error().line() ==
        "jq: more than 1000000 results");
  CHECK(results == Program::kMaxResults);
}
