#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tools/wsbridge/api/routes.h"

using namespace wl::wsbridge;
using namespace wl::wsbridge::api;

namespace {

ParamSpec param(std::string name, ValueType type, ParamIn in = ParamIn::query) {
  ParamSpec spec;
  spec.name = std::move(name);
  spec.type = type;
  spec.in = in;
  return spec;
}

/// "a=1 b=x", or "! what is wrong".
std::string values(const std::vector<ParamSpec>& params, const Sent& sent) {
  const auto read = read_values(params, sent);
  if (!read) return "! " + read.error().line();
  std::string text;
  for (const auto& [name, value] : *read) text += (text.empty() ? "" : " ") + name + "=" + value;
  return text;
}

std::string one(const ParamSpec& spec, std::string_view text) {
  const auto value = check_value(spec, text);
  return value ? *value : "! " + value.error().line();
}

std::string words(const Argv& argv, const Values& given) {
  const auto filled = fill(argv, given);
  if (!filled) return "! " + filled.error().line();
  std::string text;
  for (const std::string& word : *filled) text += "[" + word + "]";
  return text;
}

}  // namespace

TEST_CASE("wsbridge: values of each type", "[wsbridge][params]") {
  ParamSpec integer = param("n", ValueType::integer);
  CHECK(one(integer, "42") == "42");
  CHECK(one(integer, "-042") == "-42");
  CHECK(one(integer, "-9007199254740991") == "-9007199254740991");
  CHECK(one(integer, "9007199254740993") == "! n: out of range");
  for (const char* bad : {"", "-", "1.0", "1e3", "0x10", " 1", "1 ", "+1", "1\n", "nan", "one", "--1",
                          "99999999999999999999999"}) {
    CHECK(one(integer, bad) == "! n: expected a whole number");
  }
  integer.min = 1;
  integer.max = 1000;
  CHECK(one(integer, "0") == "! n: at least 1");
  CHECK(one(integer, "1001") == "! n: at most 1000");
  CHECK(one(integer, "1000") == "1000");

  ParamSpec number = param("x", ValueType::number);
  CHECK(one(number, "1.50") == "1.5");
  CHECK(one(number, "-1e3") == "-1000.0");
  for (const char* bad : {"", "inf", "nan", "1e999", "1,5", "1.5x"})
    CHECK(one(number, bad).starts_with("! x: "));
  number.max = 0.5;
  CHECK(one(number, "0.6") == "! x: at most 0.5");

  const ParamSpec boolean = param("b", ValueType::boolean);
  CHECK(one(boolean, "1") == "true");
  CHECK(one(boolean, "false") == "false");
  CHECK(one(boolean, "yes") == "! b: expected true or false");

  ParamSpec text = param("t", ValueType::text);
  CHECK(one(text, "") == "");
  CHECK(one(text, "é;$(reboot)`'\"") == "é;$(reboot)`'\"");
  for (const char* bad : {"a\nb", "a\rb", "\t", "\x7f"}) CHECK(one(text, bad) == "! t: a control character");
  CHECK(one(text, std::string_view("a\0b", 3)) == "! t: a control character");
  CHECK(one(text, "\xff") == "! t: not UTF-8");
  CHECK(one(text, std::string(kMaxText + 1, 'x')) == "! t: longer than 65536 bytes");
  text.min = 1;
  text.max = 3;
  CHECK(one(text, "") == "! t: shorter than 1 bytes");
  CHECK(one(text, "four") == "! t: longer than 3 bytes");
  text.words = {"a", "b"};
  CHECK(one(text, "b") == "b");
  CHECK(one(text, "c") == "! t: expected one of a, b");
}

TEST_CASE("wsbridge: where values come from", "[wsbridge][params]") {
  std::vector<ParamSpec> params{param("id", ValueType::integer, ParamIn::path),
                                param("limit", ValueType::integer), param("where", ValueType::text)};
  params[0].required = true;
  params[1].initial = "100";
  CHECK(values(params, {.path = {{"id", "7"}}}) == "id=7 limit=100");
  CHECK(values(params, {.path = {{"id", "7"}}, .query = {{"limit", "5"}, {"where", "a b"}}}) ==
        "id=7 limit=5 where=a b");
  CHECK(values(params, {.path = {{"id", "x"}}}) == "! id: expected a whole number");
  CHECK(values(params, {.path = {{"id", "7"}}, .query = {{"limt", "5"}}}) == "! unknown parameter limt");
  CHECK(values(params, {.path = {{"id", "7"}}, .query = {{"a\nb\xff", "5"}}}) ==
        "! unknown parameter a\nb\\xff");
  CHECK(values(params, {.path = {{"id", "7"}}, .query = {{"id", "8"}}}) == "! unknown parameter id");
  CHECK(values(params, {.path = {{"id", "7"}}, .query = {{"limit", "5"}, {"limit", "6"}}}) ==
        "! limit: given twice");
  CHECK(values(params, {.path = {{"id", "7"}}, .query = {{"name", "x"}}, .also = "name"}) ==
        "id=7 limit=100");
  CHECK(values(params, {.path = {{"id", "7"}}, .query = {{"", "x"}}}) == "! unknown parameter ");
  CHECK(values(params, {.path = {{"id", "7"}}, .body = "garbage"}) == "id=7 limit=100");
}

TEST_CASE("wsbridge: values in a body", "[wsbridge][params]") {
  std::vector<ParamSpec> params{
      param("command", ValueType::text, ParamIn::body), param("n", ValueType::integer, ParamIn::body),
      param("x", ValueType::number, ParamIn::body), param("b", ValueType::boolean, ParamIn::body)};
  params[0].required = true;
  const auto body = [&](std::string_view text) { return values(params, {.body = text}); };
  CHECK(body(R"({"command":"display version","n":-3,"x":0.5,"b":false,"more":[1]})") ==
        "b=false command=display version n=-3 x=0.5");
  CHECK(body(R"({"command":"x","n":null})") == "command=x");
  CHECK(body("") == "! command: missing");
  CHECK(body("{}") == "! command: missing");
  CHECK(body("[]") == "! the body is no JSON object");
  CHECK(body("{\"command\":") == "! the body is no JSON object");
  CHECK(body("// no comments\n{}") == "! the body is no JSON object");
  CHECK(body(R"({"command":["x"]})") == "! command: expected a text");
  CHECK(body(R"({"command":"x","n":"3"})") == "! n: expected a whole number");
  CHECK(body(R"({"command":"x","n":3.5})") == "! n: expected a whole number");
  CHECK(body(R"({"command":"x","n":123456789012345678901234567890})") == "! n: expected a whole number");
  CHECK(body(R"({"command":"x","x":"1"})") == "! x: expected a number");
  CHECK(body(R"({"command":"x","b":1})") == "! b: expected true or false");
  CHECK(body(R"({"command":"a\u0000b"})") == "! command: a control character");
  CHECK(body(R"({"command":"a\nreboot"})") == "! command: a control character");
  CHECK(values({param("n", ValueType::integer, ParamIn::body)}, {.query = {{"n", "1"}}}) ==
        "! unknown parameter n");
}

TEST_CASE("wsbridge: a value is one word and never an option", "[wsbridge][params]") {
  CHECK(
      words({"show", "--limit={n}", "{u}", "--", "{t}"}, {{"n", "5"}, {"u", "7"}, {"t", "--all; $(x) -r"}}) ==
      "[show][--limit=5][7][--][--all; $(x) -r]");
  CHECK(words({"--t={t}"}, {{"t", "a --b \"c\""}}) == "[--t=a --b \"c\"]");
  CHECK(words({"x", "--limit={n}", "{n}", "y"}, {}) == "[x][y]");
  CHECK(words({"--t={t}", "--", "{t}"}, {{"t", ""}}) == "[--][]");  // "--t=" would take the next word
  CHECK(words({"{n}"}, {{"n", "-5"}}) == "! n: must not begin with '-'");
  CHECK(words({"--", "{upload_name}"}, {{"upload_name", "a\nb"}}) == "! upload_name: a control character");
  CHECK(words({"--", "{n}"}, {{"n", "-5"}}) == "[--][-5]");
  CHECK(words({"a{t}b{", "{}", "{a-b}", "{ t }"}, {{"t", "{u}"}}) == "[a{u}b{][{}][{a-b}][{ t }]");
  CHECK(fill_text("x-{a}-{none}-{b}.txt", {{"a", "1"}, {"b", "{a}"}}) == "x-1--{a}.txt");
  CHECK(fill_text("plain", {}) == "plain");
  CHECK(find_placeholder("{{a}}").at == 1);
  CHECK(find_placeholder("{a").size == 0);
}
