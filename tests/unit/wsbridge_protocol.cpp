// The lines between the bridge and its workers.
#include <string>

#include <catch2/catch.hpp>

#include "tools/wsbridge/worker/pool.h"

using namespace wl;
using namespace wl::wsbridge;

TEST_CASE("the protocol's lines", "[wsbridge]") {
  CHECK(worker::request_line(7, {"a", "--b=\"c\"\n"}, "3") ==
        "{\"id\":\"7\",\"argv\":[\"a\",\"--b=\\\"c\\\"\\n\"],\"owner\":\"3\"}\n");
  CHECK(worker::request_line(8, {}, "") == "{\"id\":\"8\",\"argv\":[]}\n");
  CHECK(worker::request_line(9, {"\xff", "\xc3\xa9", "\\"}, "") ==
        "{\"id\":\"9\",\"argv\":[\"\\\\xff\",\"\xc3\xa9\",\"\\\\\"]}\n");
  CHECK(worker::cancel_line(7) == "{\"id\":\"7\",\"cancel\":true}\n");

  ndjson::Fields fields = worker::answer_fields();
  const auto read = [&](std::string line) {
    const size_t size = line.size();
    line.append(ndjson::kPadding, '\0');
    const auto answer = worker::read_answer({line.data(), size}, fields);
    if (!answer) return std::string("none");
    return std::to_string(answer->id) + " " + std::string(answer->record) +
           (answer->end ? " end " + std::to_string(answer->status) : "");
  };
  CHECK(read(R"({"id":"7","record":{"a": [1, "é"]}})") == R"(7 {"a": [1, "é"]})");
  CHECK(read(R"({"id":"7","end":true,"status":3})") == "7  end 3");
  CHECK(read(R"({"id":"7","record":{},"end":true,"status":0,"more":1})") == "7 {} end 0");
  CHECK(read(R"({"id":"7","end":true,"status":-1})") == "7  end 1");
  CHECK(read(R"({"id":"7","end":true,"status":139})") == "7  end 1");
  for (const char* line :
       {"", "x", "[]", "{}", R"({"id":"7"})", R"({"id":7,"end":true,"status":0})", R"({"id":"7","end":true})",
        R"({"id":"7","end":true,"status":"0"})", R"({"id":"7","record":[1]})", R"({"id":"7x","record":{}})",
        R"({"id":"","record":{}})", R"({"id":"99999999999999999999","record":{}})",
        R"({"id":"7","record":{}}{})", R"({"id":"7","record":{})", R"({"id":"7","end":true,"status":0.5})"}) {
    INFO(line);
    CHECK(read(line) == "none");
  }
}
