#include "tools/wsbridge/api/site.h"

#include <algorithm>
#include <span>

#include "tools/wsbridge/api/pages.h"
#include "tools/wsbridge/api/params.h"
#include "tools/wsbridge/api/problem.h"
#include "tools/wsbridge/http/target.h"

namespace wl::wsbridge::api {
namespace {

using boost::asio::awaitable;

http::Response json_response(unsigned status, std::string body) {
  return {.status = status,
          .headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
          .body = std::move(body)};
}

/// Whom a rate counts: the user, else the address.
std::string subject(const access::Identity& identity) {
  return identity.user ? "user " + identity.user->id : identity.address;
}

void allow_origin(http::Response& response, const std::string& origin) {
  response.headers.emplace_back("Access-Control-Allow-Origin", origin);
  response.headers.emplace_back("Access-Control-Expose-Headers", "Age, ETag, Retry-After");
  response.headers.emplace_back("Vary", "Origin");
}

http::Response preflight(const std::string& allow) {
  return {.status = 204,
          .headers = {{"Allow", allow},
                      {"Access-Control-Allow-Methods", allow},
                      {"Access-Control-Allow-Headers", "Authorization, Content-Type, If-None-Match"},
                      {"Access-Control-Max-Age", "600"}},
          .body = {}};
}

bool has_header(const http::Response& response, std::string_view name) {
  return std::ranges::any_of(response.headers, [&](const auto& header) { return header.first == name; });
}

}  // namespace

Site::Site(SiteParts parts)
    : parts_(std::move(parts)), own_(parts_.profile.routes), built_in_(built_in_routes()) {}

Found Site::find(const http::Request& request) const {
  const auto segments = http::decode_path(request.path);
  if (!segments) return {};
  Found found = own_.find(request.method, *segments);
  return found.route == nullptr && found.allow.empty() ? built_in_.find(request.method, *segments) : found;
}

awaitable<http::Admission> Site::admit(const http::Request& request) {
  http::Admission admission{.max_bytes = parts_.profile.limits.body_bytes};
  const Found found = find(request);
  if (found.route == nullptr || !found.route->upload || !parts_.policy.host_allowed(request) ||
      !parts_.policy.origin_allowed(request)) {
    co_return admission;  // handle() says what is wrong
  }
  // Before the bytes come, not behind them.
  const access::Identity identity = co_await parts_.gate.identify(request, false);
  http::Response refused = co_await refusal(*found.route, identity);
  if (refused.status != 0) {
    admission.refusal = std::move(refused);
    co_return admission;
  }
  admission.max_bytes = found.route->upload->max_bytes;
  admission.upload_field = found.route->upload->field;
  co_return admission;
}

awaitable<http::Response> Site::handle(http::Request& request) {
  const int64_t begin_ns = base::steady_clock_ns();
  http::Response response;
  const std::optional<std::string> origin = parts_.policy.origin_allowed(request);
  if (!parts_.policy.host_allowed(request)) {
    response = problem(403, "this Host is not known here (name it under hosts in the profile)");
  } else if (!origin) {
    response = problem(403, "pages of this Origin are not served (name it under origins in the profile)");
  } else {
    const Found found = find(request);
    response = co_await dispatch(request, found);
  }
  if (origin && !origin->empty()) allow_origin(response, *origin);
  if (response.status == 503 && !has_header(response, "Retry-After")) {
    response.headers.emplace_back("Retry-After", "1");
  }
  const auto taken_ns = static_cast<double>(base::steady_clock_ns() - begin_ns);
  answer_seconds_.observe(taken_ns / static_cast<double>(base::kSecond));
  co_return response;
}

/// For what stays open.
stream::Still Site::still(const access::Identity& identity) const {
  if (!identity.user) return nullptr;
  return [gate = &parts_.gate, identity] { return gate->still(identity); };
}

awaitable<http::Response> Site::dispatch(http::Request& request, const Found& found) {
  const SocketSpec* const socket = found.route == nullptr ? parts_.sockets.find(request.path) : nullptr;
  if (socket != nullptr && request.method == "GET") {
    const access::Identity identity = co_await parts_.gate.identify(request, true);
    if (!identity.may(socket->access) && identity.unknown)
      co_return problem(503, "the catalog does not answer");
    if (!identity.may(socket->access)) co_return problem(401, "a token is needed: open it with ?ticket=");
    co_return parts_.sockets.open(*socket, identity, still(identity), request);
  }
  if (found.route == nullptr) {
    if (!found.allow.empty() && request.method == "OPTIONS") co_return preflight(found.allow);
    if (found.allow.empty()) {
      const auto segments = http::decode_path(request.path);
      if (parts_.web != nullptr && segments && request.method == "GET") {
        http::Response own = parts_.web->answer(request, *segments);
        if (own.status != 404) co_return own;
      }
      std::optional<http::Response> file = page(request.path);
      if (file && request.method == "GET") co_return std::move(*file);
      co_return problem(404, "there is nothing here");
    }
    http::Response response = problem(405, "this method is not for this path");
    response.headers.emplace_back("Allow", found.allow);
    co_return response;
  }
  const RouteSpec& route = *found.route;
  const access::Identity identity = co_await parts_.gate.identify(request, false);
  if (!route.upload) {  // else admit() has asked
    http::Response refused = co_await refusal(route, identity);
    if (refused.status != 0) co_return refused;
  }
  if (route.source == Source::builtin) co_return co_await built_in(route, request, identity);
  if (flows(route)) co_return parts_.sockets.lines(route, still(identity));
  auto query = http::parse_query(request.query);
  if (!query) co_return parts_.answers.failure(route, 400, "the query is not well formed");
  const Sent sent{.path = found.captured,
                  .query = std::move(*query),
                  .body = request.body,
                  .also = route.upload ? "name" : std::string_view{}};
  auto values = read_values(route.params, sent);
  if (!values) co_return parts_.answers.failure(route, 400, values.error().text);
  if (route.upload) {
    if (!request.upload) co_return parts_.answers.failure(route, 400, "a file is expected as body");
    values->emplace("upload", request.upload->path());
    values->emplace("upload_name", request.upload->name());
  }
  std::string owner = identity.user ? identity.user->id : "";
  co_return co_await parts_.answers.answer(route, std::move(*values), std::move(owner), request);
}

awaitable<http::Response> Site::refusal(const RouteSpec& route, const access::Identity& identity) {
  if (!identity.may(route.access)) {
    if (identity.unknown) co_return parts_.answers.failure(route, 503, "the catalog does not answer");
    http::Response response = parts_.answers.failure(route, 401, "a token is needed");
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
    co_return response;
  }
  if (!route.rate.empty()) {
    const std::optional<int> wait = co_await parts_.limiter.check(route.rate, subject(identity));
    if (wait) {
      http::Response response = parts_.answers.failure(route, 429, "too many requests: wait a little");
      response.headers.emplace_back("Retry-After", std::to_string(*wait));
      co_return response;
    }
  }
  http::Response nothing{.status = 0, .headers = {}, .body = {}};
  co_return nothing;
}

awaitable<http::Response> Site::built_in(const RouteSpec& route, http::Request& request,
                                         const access::Identity& identity) {
  const std::string& name = route.name;
  if (name == "openapi") co_return json_response(200, parts_.openapi);
  if (name == "metrics") {
    if (!parts_.metrics_here) co_return problem(404, "metrics have an address of their own");
    http::Response response = json_response(200, metrics_text(parts_.figures()));
    response.headers[0].second = OpenMetrics::kMediaType;
    co_return response;
  }
  if (name == "health") {
    const Figures figures = parts_.figures();
    std::vector<Check> checks;
    bool ready = true;
    for (const auto& [stream, counts] : figures.streams) {
      const bool failed = counts.state == stream::FeedState::failed;
      checks.push_back({.name = "stream " + stream, .state = failed ? "failed" : "ok", .ready = !failed});
      ready &= !failed;
    }
    co_return json_response(ready ? 200 : 503, health_body(figures.started_ns, checks));
  }
  if (const std::optional<std::string> document = own_document(name)) {
    co_return json_response(200, parts_.answers.shape(route, *document));
  }
  if (std::optional<http::Response> file = page(request.path)) co_return std::move(*file);
  co_return co_await parts_.gate.answer(name, request, identity);
}

/// What the bridge says of itself; nothing: not one of these.
std::optional<std::string> Site::own_document(const std::string& name) const {
  if (name == "cache_statistics") return parts_.cache.statistics();
  if (name == "websocket_stats") return socket_statistics(parts_.sockets.figures());
  if (name == "streams") return streams_list(parts_.figures().streams);
  return std::nullopt;
}

}  // namespace wl::wsbridge::api
