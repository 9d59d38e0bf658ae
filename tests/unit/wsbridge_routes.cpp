#include <string>
#include <variant>
#include <vector>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tools/wsbridge/api/routes.h"
#include "tools/wsbridge/http/message.h"

using namespace wl::wsbridge;
using namespace wl::wsbridge::api;

namespace {

RouteSpec route(std::string method, std::string path) {
  RouteSpec spec;
  spec.method = std::move(method);
  spec.path = std::move(path);
  return spec;
}

/// "PATTERN x=1" of the route, or "405: ALLOW", or "404".
std::string found(const RouteTable& table, std::string_view method, std::string_view path) {
  const auto decoded = wl::wsbridge::http::decode_path(path);
  if (!decoded) return "404";
  const std::vector<std::string>& segments = *decoded;
  const Found found = table.find(method, segments);
  if (found.route == nullptr) return found.allow.empty() ? "404" : "405: " + found.allow;
  std::string text = found.route->method + " " + found.route->path;
  for (const auto& [name, value] : found.captured) text += " " + name + "=" + value;
  return text;
}

}  // namespace

TEST_CASE("wsbridge: the route of a request", "[wsbridge][routes]") {
  const std::vector<RouteSpec> routes{route("GET", "/"),          route("GET", "/a/{x}"),
                                      route("GET", "/a/b"),       route("POST", "/a/b"),
                                      route("DELETE", "/a/{id}"), route("GET", "/{x}/c/d"),
                                      route("GET", "/a/{y}/d"),   route("GET", "/a/b/{z}"),
                                      route("GET", "/p/{x}/{y}"), route("POST", "/only")};
  const RouteTable table(routes);
  CHECK(found(table, "GET", "/") == "GET /");
  CHECK(found(table, "GET", "/a/b") == "GET /a/b");
  CHECK(found(table, "HEAD", "/a/b") == "GET /a/b");
  CHECK(found(table, "GET", "/a/c") == "GET /a/{x} x=c");
  CHECK(found(table, "POST", "/a/b") == "POST /a/b");
  CHECK(found(table, "DELETE", "/a/b") == "DELETE /a/{id} id=b");
  CHECK(found(table, "GET", "/a/c/d") == "GET /a/{y}/d y=c");
  CHECK(found(table, "GET", "/a/b/d") == "GET /a/b/{z} z=d");
  CHECK(found(table, "GET", "/z/c/d") == "GET /{x}/c/d x=z");
  CHECK(found(table, "GET", "/p/1/2") == "GET /p/{x}/{y} x=1 y=2");
  CHECK(found(table, "PUT", "/a/b") == "405: GET, POST, DELETE, HEAD, OPTIONS");
  CHECK(found(table, "OPTIONS", "/only") == "405: POST, OPTIONS");
  CHECK(found(table, "HEAD", "/only") == "405: POST, OPTIONS");
  CHECK(found(table, "GET", "/none") == "404");
  CHECK(found(table, "GET", "/a") == "404");
  CHECK(found(table, "GET", "/a/") == "404");
  CHECK(found(table, "GET", "/a/b/") == "404");
  CHECK(found(table, "GET", "/p//2") == "404");
  CHECK(found(table, "get", "/only") == "405: POST, OPTIONS");
}

TEST_CASE("wsbridge: paths in segments", "[wsbridge][routes]") {
  CHECK(parameter_of("{b}") == "b");
  CHECK(parameter_of("{}").empty());
  CHECK(parameter_of("b").empty());
}
