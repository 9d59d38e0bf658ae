#include "tools/wsbridge/api/site.h"

#include <algorithm>
#include <span>

#include <boost/algorithm/string/join.hpp>
#include <nlohmann/json.hpp>

#include "tools/wsbridge/stream/view.h"

namespace wl::wsbridge::api {
namespace {

using http::problem;
using nlohmann::json;

/// Whom a rate counts: the user, else the address.
std::string subject(const access::Identity& identity) {
  return identity.user ? "user " + identity.user->id : identity.address;
}

/// Lets pages of other origins read it, where they may.
void share(http::Response& response, const std::optional<std::string>& origin) {
  if (!origin || origin->empty()) return;
  response.headers.emplace_back("Access-Control-Allow-Origin", *origin);
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

std::string error_message(const Failure& why) {
  return json{{"type", "error"}, {"status", why.status}, {"message", why.detail}}.dump(
      -1, ' ', false, json::error_handler_t::replace);
}

/// One record is the answer; several, or none, stand in one.
std::string one_message(const std::string& type, const std::vector<std::string>& records) {
  if (records.size() == 1) return records.front();
  return R"({"type":)" + json(type + "_result").dump() + R"(,"records":[)" +
         boost::algorithm::join(records, ",") + "]}";
}

}  // namespace

Site::Site(Executor executor, const Profile& profile, std::string_view version, const access::Policy& policy,
           access::Gate& gate, std::shared_ptr<Redis> redis, base::Log& log)
    : executor_(executor),
      profile_(profile),
      policy_(policy),
      gate_(gate),
      log_(log),
      answers_(executor, profile, redis, log),
      limiter_(profile.limits.rates, redis),
      own_(profile.routes),
      built_in_(built_in_routes()),
      openapi_(openapi(profile, version)) {
  for (const char* name : {"metrics", "health", "streams", "websocket_stats", "cache_statistics"})
    programs_.emplace(name, report_program(name));
  for (const SocketSpec& spec : profile.sockets)
    sockets_[spec.path] = std::make_shared<websocket::Socket>(executor, spec, profile.limits);
}

base::Result<void> Site::open_pages() {
  if (profile_.web.empty()) return {};
  auto web = http::StaticFiles::open(profile_.web);
  if (!web) return std::unexpected(web.error());
  web_.emplace(std::move(*web));
  return {};
}

awaitable<void> Site::drain() {
  for (const auto& [path, socket] : sockets_) co_await socket->drain();
}

Found Site::find(const http::Request& request) const {
  const auto segments = http::decode_path(request.path);
  if (!segments) return {};
  Found found = own_.find(request.method, *segments);
  return found.route == nullptr && found.allow.empty() ? built_in_.find(request.method, *segments) : found;
}

awaitable<http::Admission> Site::admit(const http::Request& request) {
  http::Admission admission{.max_bytes = profile_.limits.body_bytes};
  const Found found = find(request);
  if (found.route == nullptr || !found.route->upload || !policy_.host_allowed(request) ||
      !policy_.origin_allowed(request)) {
    co_return admission;  // handle() says what is wrong
  }
  // Before the bytes come, not behind them.
  const access::Identity identity = co_await gate_.identify(request, false);
  const Refusal refused = co_await refusal(found.route->access, found.route->rate, identity);
  if (refused) {
    admission.refusal = answers_.failure(*found.route, *refused);
    share(*admission.refusal, policy_.origin_allowed(request));
    co_return admission;
  }
  admission.max_bytes = found.route->upload->max_bytes;
  admission.upload_field = found.route->upload->field;
  co_return admission;
}

awaitable<http::Response> Site::handle(http::Request& request) {
  const int64_t begin_ns = base::steady_clock_ns();
  http::Response response;
  const std::optional<std::string> origin = policy_.origin_allowed(request);
  if (!policy_.host_allowed(request)) {
    response = problem(403, "this Host is not known here (name it under hosts in the profile)");
  } else if (!origin) {
    response = problem(403, "pages of this Origin are not served (name it under origins in the profile)");
  } else {
    response = co_await dispatch(request);
  }
  share(response, origin);
  count(base::steady_clock_ns() - begin_ns);
  co_return response;
}

awaitable<http::Response> Site::dispatch(http::Request& request) {
  const Found found = find(request);
  if (found.route == nullptr) {
    const auto socket = sockets_.find(request.path);
    if (socket == sockets_.end() || request.method != "GET") co_return no_route(request, found);
    co_return co_await open(*socket->second, request);
  }
  const RouteSpec& route = *found.route;
  const access::Identity identity = co_await gate_.identify(request, false);
  if (!route.upload) {  // else admit() has asked
    const Refusal refused = co_await refusal(route.access, route.rate, identity);
    if (refused) co_return answers_.failure(route, *refused);
  }
  if (route.source == Source::builtin) co_return co_await built_in(route, request, identity);
  if (flows(route)) {
    const SubscriptionSpec all{.stream = route.name, .as = route.as, .history = SIZE_MAX};
    co_return stream::answer_lines(executor_, answers_.view(all, ""), still(identity));
  }
  auto query = http::parse_query(request.query);
  if (!query) co_return answers_.failure(route, {400, "the query is not well formed"});
  const Sent sent{.path = found.captured,
                  .query = std::move(*query),
                  .body = request.body,
                  .also = route.upload ? "name" : std::string_view{}};
  auto values = read_values(route.params, sent);
  if (!values) co_return answers_.failure(route, {400, values.error().text});
  if (route.upload) {
    if (!request.upload) co_return answers_.failure(route, {400, "a file is expected as body"});
    values->emplace("upload", request.upload->path);
    std::string& name = (*values)["upload_name"] = request.upload->name;
    for (const auto& [key, value] : sent.query)
      if (key == sent.also && name.empty()) name = value;
  }
  std::string owner = identity.user ? identity.user->id : "";
  co_return co_await answers_.answer(route, std::move(*values), std::move(owner), request);
}

http::Response Site::no_route(const http::Request& request, const Found& found) const {
  if (!found.allow.empty()) {
    if (request.method == "OPTIONS") return preflight(found.allow);
    http::Response response = problem(405, "this method is not for this path");
    response.headers.emplace_back("Allow", found.allow);
    return response;
  }
  const auto segments = http::decode_path(request.path);
  if (web_ && segments && request.method == "GET") {
    http::Response own = web_->answer(request, *segments);
    if (own.status != 404) return own;
  }
  std::optional<http::Response> file = request.method == "GET" ? http::page(request) : std::nullopt;
  return file ? std::move(*file) : problem(404, "there is nothing here");
}

awaitable<Site::Refusal> Site::refusal(Access needed, const std::string& rate,
                                       const access::Identity& identity) {
  if (!identity.may(needed))
    co_return identity.unknown ? Failure{503, "the catalog does not answer"}
                               : Failure{401, "a token is needed"};
  std::optional<int> wait;
  if (!rate.empty()) wait = co_await limiter_.check(rate, subject(identity));
  if (!wait) co_return std::nullopt;
  co_return Failure{429, "too many requests: wait " + std::to_string(*wait) + " seconds", *wait};
}

awaitable<http::Response> Site::built_in(const RouteSpec& route, const http::Request& request,
                                         const access::Identity& identity) {
  const std::string& name = route.name;
  if (name == "metrics")
    co_return metrics_here ? metrics() : problem(404, "metrics have an address of their own");
  const std::optional<std::string> document = name == "openapi" ? openapi_ : tell(name);
  if (document) {
    const Entry entry = answers_.shaped(route, *document);
    const bool ready = name != "health" || document->starts_with(R"({"status":"ok")");
    http::Response response{
        .status = ready ? entry.status : 503, .headers = entry.headers, .body = entry.body};
    response.headers.emplace_back("Cache-Control", "no-store");
    co_return response;
  }
  if (std::optional<http::Response> file = http::page(request)) co_return std::move(*file);
  co_return co_await gate_.answer(name, request, identity);
}

/// For what stays open.
stream::Still Site::still(const access::Identity& identity) const {
  if (!identity.user) return nullptr;
  return [this, identity] { return gate_.still(identity); };
}

awaitable<http::Response> Site::open(websocket::Socket& socket, const http::Request& request) {
  const SocketSpec& spec = socket.spec();
  const access::Identity identity = co_await gate_.identify(request, true);
  const Refusal refused = co_await refusal(spec.access, "", identity);
  if (refused) co_return problem(refused->status, refused->detail + ": open it with ?ticket=");
  websocket::Client client{.still = still(identity)};
  if (!spec.worker.empty()) {
    const WorkerSpec& its = answers_.pools().at(spec.worker)->spec();
    const process::Ends ends{.write_input = true, .name = its.name};
    auto started = process::Child::start(executor_, std::span(&its.command, 1), ends, log_);
    if (!started) co_return problem(503, started.error().text);
    client.worker = std::move(*started);
  }
  for (const SubscriptionSpec& wanted : spec.streams) {
    if (wanted.mine.empty()) client.views.push_back(answers_.view(wanted, ""));
    if (!wanted.mine.empty() && identity.user)
      client.views.push_back(answers_.view(wanted, identity.user->id));
  }
  client.on_message = [this, &spec, identity](std::string_view text, std::function<void()>& gone) {
    return message(spec, identity, std::string(text), gone);
  };
  co_return socket.upgrade(request, std::move(client));
}

/// `identity` lives as long as the socket's session, which waits for this.
awaitable<Site::Message> Site::message(const SocketSpec& socket, const access::Identity& identity,
                                       std::string text, std::function<void()>& gone) {
  const json parsed = json::parse(text, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("type") || !parsed["type"].is_string()) {
    co_return error_message({400, "expected a JSON object with a type"});
  }
  const auto type = parsed["type"].get<std::string>();
  const auto receive = std::ranges::find(socket.receive, type, &ReceiveSpec::path);
  if (receive == socket.receive.end()) co_return error_message({400, "messages of this type are not taken"});
  const Refusal refused = co_await refusal(receive->access, receive->rate, identity);
  if (refused) co_return error_message(*refused);
  auto values = read_values(receive->params, {.path = {}, .query = {}, .body = text, .also = {}});
  if (!values) co_return error_message({400, values.error().text});
  std::string owner = identity.user ? identity.user->id : "";
  const Records records = co_await answers_.message(*receive, std::move(*values), std::move(owner), gone);
  co_return records ? one_message(type, *records) : error_message(records.error());
}

}  // namespace wl::wsbridge::api
