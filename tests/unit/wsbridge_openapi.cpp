#include <algorithm>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tools/wsbridge/api/routes.h"
#include "tools/wsbridge/profile/read.h"
#include "tools/wsbridge/shape/program.h"

using namespace wl::wsbridge;
using nlohmann::json;

namespace {

Profile read(std::string_view text) {
  std::vector<Finding> findings;
  auto profile = read_profile_text(text, "p.json", findings, {});
  REQUIRE(profile);
  return std::move(*profile);
}

/// Follows every $ref of the document, and counts them.
size_t resolve(const json& document, const json& at) {
  size_t count = 0;
  if (at.is_object() && at.contains("$ref")) {
    const std::string target = at["$ref"];
    REQUIRE(target.starts_with("#/"));
    CHECK(document.contains(json::json_pointer(target.substr(1))));
    ++count;
  }
  if (at.is_structured()) {
    for (const json& inside : at) count += resolve(document, inside);
  }
  return count;
}

Profile traffic() {
  std::vector<Finding> findings;
  const std::vector<std::string> paths{WIRELINE_ROOT "/tools/wsbridge/profiles/traffic.json"};
  auto profile = read_profile(paths, findings, {});
  for (const Finding& finding : findings) FAIL(finding.line());
  REQUIRE(profile);
  return std::move(*profile);
}

}  // namespace

TEST_CASE("wsbridge: OpenAPI of the traffic profile", "[wsbridge][openapi]") {
  const Profile profile = traffic();
  json document = json::parse(api::openapi(profile, "1.2.3"));
  CHECK(document["openapi"] == "3.1.0");
  CHECK(document["info"]["version"] == "1.2.3");
  CHECK(resolve(document, document) > 5);
  std::set<std::string> ids;
  size_t operations = 0;
  for (const auto& [path, methods] : document["paths"].items()) {
    REQUIRE(path.starts_with("/"));
    for (const auto& [method, operation] : methods.items()) {
      ++operations;
      ids.insert(operation["operationId"].get<std::string>());
      CHECK(operation["responses"].is_object());
      CHECK_FALSE(operation["responses"].empty());
      CHECK(operation["security"].is_array());
    }
  }
  CHECK(ids.size() == operations);
  CHECK(operations == profile.routes.size() + api::built_in_routes().size() + profile.sockets.size());
  for (const RouteSpec& route : profile.routes) {
    std::string method = route.method;
    std::ranges::transform(method, method.begin(), [](char c) { return static_cast<char>(c | 0x20); });
    REQUIRE(document["paths"][route.path].contains(method));
  }
  CHECK(document["paths"]["/ws/traffic"]["get"]["responses"].contains("101"));
  CHECK(document["paths"]["/api/traffic"]["get"]["security"] == json::parse(R"([{"bearer":[]},{}])"));
  CHECK(document["paths"]["/api/me"]["get"]["security"] == json::parse(R"([{"bearer":[]}])"));
  CHECK(document["paths"]["/health"]["get"]["security"] == json::array());
  CHECK(document["servers"] == json::parse(R"([{"url":"/"}])"));
  CHECK(document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer");
}

TEST_CASE("wsbridge: OpenAPI of parameters and bodies", "[wsbridge][openapi]") {
  const Profile profile = read(R"({"workers":{"w":{"command":["cat"]}},"routes":[
    {"path":"/p/{id}","worker":"w","summary":"Show","params":{"id":{"type":"integer","min":1},
      "limit":{"type":"integer","default":100,"min":1,"max":1000,"text":"How many"},"kind":{"words":["a","b"]},
      "ratio":{"type":"number","max":0.5},"all":{"type":"boolean","default":false}}},
    {"method":"POST","path":"/p","worker":"w","status":201,"error_as":"{error:.detail}","rate":"data",
      "params":{"name":{"required":true,"min":1,"max":9,"text":"Its name"},"n":{"type":"integer"}}},
    {"method":"POST","path":"/up","command":["cat","--","{upload}"],"upload":{"field":"pcap"},"form":"ndjson"},
    {"path":"/raw","command":["cat"],"form":"raw","media_type":"application/x-pcap"}]})");
  json document = json::parse(api::openapi(profile, "1"));
  json& get = document["paths"]["/p/{id}"]["get"];
  CHECK(get["parameters"] == json::parse(R"([
    {"name":"id","in":"path","required":true,"schema":{"type":"integer","minimum":1}},
    {"name":"limit","in":"query","description":"How many","required":false,
     "schema":{"type":"integer","minimum":1,"maximum":1000,"default":100}},
    {"name":"kind","in":"query","required":false,"schema":{"type":"string","enum":["a","b"]}},
    {"name":"ratio","in":"query","required":false,"schema":{"type":"number","maximum":0.5}},
    {"name":"all","in":"query","required":false,"schema":{"type":"boolean","default":false}}])"));
  CHECK(get["summary"] == "Show");
  CHECK(get["responses"]["400"]["content"]["application/problem+json"]["schema"]["$ref"] ==
        "#/components/schemas/Problem");
  for (const char* status : {"200", "400", "401", "404", "500", "503", "504"})
    CHECK(get["responses"].contains(status));
  json& post = document["paths"]["/p"]["post"];
  CHECK(post["requestBody"] ==
        json::parse(R"({"required":true,"content":{"application/json":{"schema":{"type":"object",
    "properties":{"name":{"type":"string","minLength":1,"maxLength":9,"description":"Its name"},"n":{"type":"integer"}},
    "required":["name"]}}}})"));
  CHECK(post["responses"].contains("201"));
  CHECK(post["responses"].contains("429"));
  CHECK(post["responses"]["400"]["content"].contains("application/json"));
  json& upload = document["paths"]["/up"]["post"];
  CHECK(upload["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]["pcap"]["format"] ==
        "binary");
  CHECK(upload["requestBody"]["content"].contains("application/octet-stream"));
  CHECK(upload["responses"]["200"]["content"].contains("application/x-ndjson"));
  CHECK(upload["responses"].contains("413"));
  CHECK(document["paths"]["/raw"]["get"]["responses"]["200"]["content"].contains("application/x-pcap"));
}

TEST_CASE("wsbridge: the traffic profile shapes a window as its first program did", "[wsbridge][openapi]") {
  const Profile profile = traffic();
  auto as = shape::Program::compile(profile.routes[0].as);
  REQUIRE(as);
  std::string got;
  const auto keep = [&](std::string_view result) { got = result; };
  REQUIRE(as->run("null", keep));
  CHECK(got == "{}");
  REQUIRE(as->run(R"({"type":"windows","ts":"T0","until":"T1","windows":[
    {"client":"10.0.0.7","in_bytes":54,"out_bytes":108,"protocols":[
      {"proto":"tcp","port":443,"bytes":162,"in_bytes":50,"out_bytes":108},{"proto":"icmp","bytes":4,"in_bytes":4,"out_bytes":0}]},
    {"client":"fe80::1","in_bytes":1,"out_bytes":0,"protocols":[{"proto":"udp","port":53,"in_bytes":1,"out_bytes":0}]}]})",
                  keep));
  CHECK(got ==
        R"({"window":{"start":"T0","end":"T1"},"clients":{)"
        R"("10.0.0.7":{"in":54,"out":108,"protocols":{"in":{"tcp/443":50,"icmp":4},"out":{"tcp/443":108}}},)"
        R"("fe80::1":{"in":1,"out":0,"protocols":{"in":{"udp/53":1},"out":{}}}}})");
  REQUIRE(as->run(R"({"type":"windows","ts":"T0","until":"T1","windows":[]})", keep));
  CHECK(got == R"({"window":{"start":"T0","end":"T1"},"clients":{}})");
}
