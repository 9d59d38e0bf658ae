#include "tools/wsbridge/api/route_table.h"

#include <algorithm>
#include <array>

namespace wl::wsbridge::api {

namespace {

RouteSpec built_in(std::string path, std::string name, std::string summary, Access access) {
  RouteSpec route{.path = std::move(path), .summary = std::move(summary), .source = Source::builtin};
  route.name = std::move(name);
  route.access = access;
  return route;
}

}  // namespace

const std::vector<RouteSpec>& built_in_routes() {
  static const std::vector<RouteSpec> routes = [] {
    using enum Access;
    std::vector<RouteSpec> all{
        built_in("/health", "health", "Whether everything runs", everybody),
        built_in("/metrics", "metrics", "Counts and times, as OpenMetrics", open),
        built_in("/openapi.json", "openapi", "This document", everybody),
        built_in("/docs", "docs", "These routes as a page (Swagger UI)", everybody),
        built_in("/redoc", "redoc", "These routes as a page (Redoc)", everybody),
        built_in("/setup", "setup", "The page of the one-time link", everybody),
        built_in("/streams", "streams", "The streams and how they are", open),
        built_in("/api/me", "me", "Whose token this is", token),
    };
    const std::array<RouteSpec, 5> posts{
        built_in("/api/auth/setup", "setup", "Makes a user, with the code of the one-time link", everybody),
        built_in("/api/auth/signup", "signup", "Makes a user, where the profile lets people sign up",
                 everybody),
        built_in("/api/auth/login", "login", "A token for an email and its password", everybody),
        built_in("/api/auth/logout", "logout", "Ends the token", token),
        built_in("/api/auth/ticket", "ticket", "A ticket that opens one WebSocket", token)};
    for (const RouteSpec& post : posts) {
      all.push_back(post);
      all.back().method = "POST";
    }
    return all;
  }();
  return routes;
}

bool is_builtin(std::string_view name) {
  constexpr std::array<std::string_view, 2> kNamed{"cache_statistics", "websocket_stats"};
  return std::ranges::find(kNamed, name) != kNamed.end() ||
         std::ranges::find(built_in_routes(), name, &RouteSpec::name) != built_in_routes().end();
}

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> segments;
  if (path.starts_with('/')) path.remove_prefix(1);
  while (!path.empty()) {
    const size_t end = path.find('/');
    segments.emplace_back(path.substr(0, end));
    if (end == std::string_view::npos) break;
    path.remove_prefix(end + 1);
    if (path.empty()) segments.emplace_back();
  }
  return segments;
}

std::string_view parameter_of(std::string_view segment) {
  const bool parameter = segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
  return parameter ? segment.substr(1, segment.size() - 2) : std::string_view();
}

RouteTable::RouteTable(std::span<const RouteSpec> routes) {
  for (const RouteSpec& route : routes) rows_.push_back({split_path(route.path), &route});
  std::ranges::stable_sort(rows_, [](const Row& a, const Row& b) {
    return std::ranges::lexicographical_compare(a.segments, b.segments, [](const auto& x, const auto& y) {
      return parameter_of(x).empty() && !parameter_of(y).empty();
    });
  });
}

Found RouteTable::find(std::string_view method, std::span<const std::string> segments) const {
  Found found;
  bool get = false;
  for (const Row& row : rows_) {
    const bool fits =
        std::ranges::equal(row.segments, segments, [](const std::string& pattern, const std::string& text) {
          return pattern == text || (!parameter_of(pattern).empty() && !text.empty());
        });
    if (!fits) continue;
    const std::string& its = row.route->method;
    if (its == method || (method == "HEAD" && its == "GET")) {
      found.route = row.route;
      found.allow.clear();
      for (size_t i = 0; i < segments.size(); ++i) {
        const std::string_view name = parameter_of(row.segments[i]);
        if (!name.empty()) found.captured.emplace_back(name, segments[i]);
      }
      return found;
    }
    if (found.allow.find(its) == std::string::npos) found.allow += its + ", ";
    get |= its == "GET";
  }
  if (!found.allow.empty()) found.allow += get ? "HEAD, OPTIONS" : "OPTIONS";
  return found;
}

}  // namespace wl::wsbridge::api
