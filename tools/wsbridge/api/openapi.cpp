// The routes that every bridge has, and the document of all: openapi.jq makes it of what is told here.
#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "tools/wsbridge/api/routes.h"
#include "tools/wsbridge/http/files.h"
#include "tools/wsbridge/shape/program.h"

namespace wl::wsbridge::api {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<const char*, 3> kAccess{"token", "open", "everybody"};  // in the order of Access

Json told(const ParamSpec& param) {
  const bool text = param.type == ValueType::text;
  constexpr std::array<const char*, 4> kTypes{"string", "integer", "number", "boolean"};
  constexpr std::array<const char*, 3> kIn{"path", "query", "body"};
  Json schema{{"type", kTypes[static_cast<size_t>(param.type)]}};
  const auto parsed = [&](const std::string& value) {
    Json read = Json::parse(text ? "" : value, nullptr, false);
    return read.is_primitive() ? read : Json(value);
  };
  if (param.min) schema[text ? "minLength" : "minimum"] = *param.min;
  if (param.max) schema[text ? "maxLength" : "maximum"] = *param.max;
  for (const std::string& word : param.words) schema["enum"].push_back(parsed(word));
  if (param.initial) schema["default"] = parsed(*param.initial);
  return {{"name", param.name},
          {"in", kIn[static_cast<size_t>(param.in)]},
          {"description", param.text},
          {"required", param.required},
          {"schema", std::move(schema)}};
}

Json told(const RouteSpec& route) {
  constexpr std::array<const char*, 3> kForms{"json", "ndjson", "raw"};
  Json params = Json::array();
  for (const ParamSpec& param : route.params) params.push_back(told(param));
  return {{"method", route.method},
          {"path", route.path},
          {"summary", route.summary},
          {"params", std::move(params)},
          {"upload", route.upload ? Json(route.upload->field) : Json()},
          {"builtin", route.source == Source::builtin ? route.name : ""},
          {"runs", route.source == Source::worker || route.source == Source::command},
          {"worker", route.source == Source::worker},
          {"form", kForms[static_cast<size_t>(route.form)]},
          {"media_type", route.media_type},
          {"status", route.status_as.empty() ? std::to_string(route.status) : "2XX"},
          {"reason", route.status_as.empty() ? http::reason(route.status) : "Done, or begun"},
          {"own_failures", !route.error_as.empty()},
          {"rate", !route.rate.empty()},
          {"access", kAccess[static_cast<size_t>(route.access)]}};
}

}  // namespace

std::string_view embedded(std::string_view name) {
  return std::ranges::find(http::web_files(), name, &http::WebFile::name)->bytes;
}

const std::vector<RouteSpec>& built_in_routes() {
  static const std::vector<RouteSpec> routes = [] {
    std::vector<RouteSpec> all;
    const Json frame = Json::parse(embedded("openapi.json"));
    for (const auto& [path, methods] : frame["paths"].items()) {
      for (const auto& [method, operation] : methods.items()) {
        RouteSpec& route = all.emplace_back();
        route.method = method == "post" ? "POST" : "GET";
        route.path = path;
        route.summary = operation["summary"];
        route.source = Source::builtin;
        route.name = operation["x-builtin"];
        const size_t ways = operation["security"].size();  // with a token, and without
        route.access = ways == 0 ? Access::everybody : ways == 1 ? Access::token : Access::open;
      }
    }
    return all;
  }();
  return routes;
}

bool is_builtin(std::string_view name) {
  return name == "cache_statistics" || name == "websocket_stats" ||
         std::ranges::count(built_in_routes(), name, &RouteSpec::name) != 0;
}

std::string openapi(const Profile& profile, std::string_view version) {
  auto program = shape::Program::compile(std::string(embedded("openapi.jq")),
                                         {{"frame", std::string(embedded("openapi.json"))}})
                     .value();
  Json all{{"version", version}, {"routes", Json::array()}, {"sockets", Json::array()}};
  for (const RouteSpec& route : profile.routes) all["routes"].push_back(told(route));
  for (const SocketSpec& spec : profile.sockets) {
    RouteSpec route{.path = spec.path, .summary = "WebSocket"};
    route.access = spec.access;
    for (const SubscriptionSpec& row : spec.streams)
      route.summary += (&row == &spec.streams.front() ? " of " : ", ") + row.stream;
    all["sockets"].push_back(told(route));
  }
  std::string document;
  program
      .run(all.dump(-1, ' ', false, Json::error_handler_t::replace),
           [&](std::string_view result) { document = result; })
      .value();
  return document;
}

}  // namespace wl::wsbridge::api
