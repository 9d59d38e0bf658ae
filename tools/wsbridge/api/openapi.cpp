#include "tools/wsbridge/api/openapi.h"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "tools/wsbridge/api/params.h"
#include "tools/wsbridge/api/problem.h"
#include "tools/wsbridge/api/route_table.h"

namespace wl::wsbridge::api {

namespace {

using Json = nlohmann::ordered_json;

Json ref(const char* name) { return {{"$ref", std::string("#/components/") + name}}; }
Json content(const std::string& media_type, Json schema) {
  return {{media_type, {{"schema", std::move(schema)}}}};
}

Json schema_of(const ParamSpec& param) {
  const bool text = param.type == ValueType::text;
  constexpr std::array<const char*, 4> kTypes{"string", "integer", "number", "boolean"};
  Json schema{{"type", kTypes[static_cast<size_t>(param.type)]}};
  const auto parsed = [&](const std::string& value) {
    return text || !Json::accept(value) ? Json(value) : Json::parse(value);
  };
  if (param.min) schema[text ? "minLength" : "minimum"] = Json::parse(number_text(*param.min));
  if (param.max) schema[text ? "maxLength" : "maximum"] = Json::parse(number_text(*param.max));
  for (const std::string& word : param.words) schema["enum"].push_back(parsed(word));
  if (param.initial) schema["default"] = parsed(*param.initial);
  return schema;
}

bool gives_token(const RouteSpec& route) {
  return route.source == Source::builtin && route.method == "POST" &&
         (route.name == "login" || route.name == "signup" || route.name == "setup");
}

Json request_body(const RouteSpec& route) {
  if (route.upload) {
    Json form{{"type", "object"},
              {"properties", {{route.upload->field, {{"type", "string"}, {"format", "binary"}}}}},
              {"required", {route.upload->field}}};
    Json kinds = content("multipart/form-data", std::move(form));
    kinds.update(content("application/octet-stream", {{"type", "string"}, {"format", "binary"}}));
    return {{"required", true}, {"content", std::move(kinds)}};
  }
  if (gives_token(route))
    return {{"required", true}, {"content", content("application/json", ref("schemas/Credentials"))}};
  Json schema{{"type", "object"}};
  for (const ParamSpec& param : route.params) {
    if (param.in != ParamIn::body) continue;
    Json property = schema_of(param);
    if (!param.text.empty()) property["description"] = param.text;
    schema["properties"][param.name] = std::move(property);
    if (param.required) schema["required"].push_back(param.name);
  }
  if (!schema.contains("properties")) return {};
  const bool required = schema.contains("required");
  return {{"required", required}, {"content", content("application/json", std::move(schema))}};
}

Json parameters(const RouteSpec& route) {
  Json all = Json::array();
  for (const ParamSpec& param : route.params) {
    if (param.in == ParamIn::body) continue;
    Json one{{"name", param.name}, {"in", param.in == ParamIn::path ? "path" : "query"}};
    if (!param.text.empty()) one["description"] = param.text;
    one["required"] = param.required;
    one["schema"] = schema_of(param);
    all.push_back(std::move(one));
  }
  if (route.upload)
    all.push_back({{"name", "name"},
                   {"in", "query"},
                   {"description", "The file's name, when the body is the file itself"},
                   {"required", false},
                   {"schema", {{"type", "string"}}}});
  return all;
}

Json answer_content(const RouteSpec& route) {
  const auto page = [](const char* media_type) { return content(media_type, {{"type", "string"}}); };
  if (route.form == Form::raw) return content(route.media_type, {{"type", "string"}, {"format", "binary"}});
  if (route.form == Form::ndjson) return page("application/x-ndjson");
  if (route.source == Source::builtin) {
    if (route.name == "docs" || route.name == "redoc" || (route.name == "setup" && route.method == "GET"))
      return page("text/html");
    if (route.name == "metrics") return page("application/openmetrics-text");
    if (gives_token(route)) return content("application/json", ref("schemas/Token"));
  }
  return content("application/json", Json::object());
}

Json operation(const RouteSpec& route) {
  std::string id = route.method + route.path;  // "GET/api/files/:id": each is another, and can stand in a URL
  std::ranges::replace(id, '{', ':');
  std::erase(id, '}');
  const bool built_in = route.source == Source::builtin;
  const unsigned status = built_in && route.name == "logout" ? 204 : route.status;
  Json answers;
  Json good{{"description", std::string(reason(status))}};
  if (status != 204) good["content"] = answer_content(route);
  answers[std::to_string(status)] = std::move(good);
  const auto refuses = [&](unsigned code, bool when) {
    if (!when) return;
    const std::string text(reason(code));
    const std::string kind = route.error_as.empty() ? "application/problem+json" : "application/json";
    answers[std::to_string(code)] = {
        {"description", text},
        {"content", content(kind, route.error_as.empty() ? ref("schemas/Problem") : Json::object())}};
  };
  const bool reads = !route.params.empty() || route.upload;
  const bool runs = route.source == Source::worker || route.source == Source::command;
  refuses(400, reads || runs);
  refuses(401, route.access != Access::everybody || (built_in && route.name == "login"));
  refuses(404, runs);
  refuses(403, gives_token(route) && route.name != "login");
  refuses(409, gives_token(route) && route.name != "login");
  refuses(413, route.upload.has_value());
  refuses(422, gives_token(route));
  refuses(429, !route.rate.empty() || gives_token(route));
  refuses(500, runs);
  refuses(503, route.source == Source::worker || route.name == "health");
  refuses(504, runs);

  const std::string summary = route.summary.empty() ? route.method + " " + route.path : route.summary;
  Json made{{"operationId", id},
            {"summary", summary},
            {"description", summary + "."},
            {"tags", {built_in ? "bridge" : "profile"}}};
  if (Json all = parameters(route); !all.empty()) made["parameters"] = std::move(all);
  if (Json body = request_body(route); !body.empty()) made["requestBody"] = std::move(body);
  made["responses"] = std::move(answers);
  // "open" is without a token for some: either of the two.
  made["security"] = Json::array();
  if (route.access != Access::everybody) made["security"].push_back({{"bearer", Json::array()}});
  if (route.access == Access::open) made["security"].push_back(Json::object());
  return made;
}

Json socket(const SocketSpec& spec) {
  RouteSpec route{.path = spec.path, .summary = "WebSocket"};
  route.access = spec.access;
  std::string carries;
  for (const SubscriptionSpec& row : spec.streams) carries += (carries.empty() ? " of " : ", ") + row.stream;
  route.summary += carries;
  Json made = operation(route);
  made["responses"].erase("200");
  made["responses"].update(
      {{"101", {{"description", "The connection is a WebSocket from here on (RFC 6455)"}}},
       {"426", {{"description", "Not asked as a WebSocket"}}}});
  return made;
}

/// What does not depend on the profile.
constexpr std::string_view kFrame = R"({
  "openapi": "3.1.0",
  "info": {"title": "wsbridge", "version": "", "description": "Streams and commands of this machine as WebSocket and REST.",
           "contact": {"name": "The owner of this server"}},
  "servers": [{"url": "/"}],
  "tags": [{"name": "profile", "description": "What the profile offers"},
           {"name": "bridge", "description": "What every bridge has"}],
  "paths": {},
  "components": {
    "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
    "schemas": {
      "Problem": {"type": "object", "description": "RFC 9457", "required": ["type", "title", "status"], "properties": {
        "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"}}},
      "Credentials": {"type": "object", "required": ["email", "password"], "properties": {
        "email": {"type": "string"}, "password": {"type": "string", "minLength": 8},
        "code": {"type": "string", "description": "Of an invitation or the one-time link"}}},
      "Token": {"type": "object", "required": ["access_token", "token_type"], "properties": {
        "access_token": {"type": "string"}, "token_type": {"const": "bearer"}}}}}
})";

}  // namespace

std::string openapi(const Profile& profile, std::string_view version) {
  Json document = Json::parse(kFrame);
  document["info"]["version"] = version;
  Json& paths = document["paths"];
  for (const auto* routes : {&profile.routes, &built_in_routes()}) {
    for (const RouteSpec& route : *routes) {
      std::string method = route.method;
      std::ranges::transform(method, method.begin(), [](char c) { return static_cast<char>(c | 0x20); });
      if (!paths[route.path].contains(method)) paths[route.path][method] = operation(route);
    }
  }
  for (const SocketSpec& spec : profile.sockets) {
    if (!paths[spec.path].contains("get")) paths[spec.path]["get"] = socket(spec);
  }
  return document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace wl::wsbridge::api
