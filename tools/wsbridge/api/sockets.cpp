#include "tools/wsbridge/api/sockets.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "tools/wsbridge/api/params.h"
#include "tools/wsbridge/api/problem.h"
#include "tools/wsbridge/stream/view.h"

namespace wl::wsbridge::api {
namespace {

using boost::asio::awaitable;
using nlohmann::json;

std::string error_message(int status, std::string_view message) {
  return json{{"type", "error"}, {"status", status}, {"message", message}}.dump(
      -1, ' ', false, json::error_handler_t::replace);
}

/// One record is the answer; several, or none, stand in one.
std::string one_message(const std::string& type, const std::vector<std::string>& records) {
  if (records.size() == 1) return records.front();
  std::string text = R"({"type":)" + json(type + "_result").dump() + R"(,"records":[)";
  for (size_t i = 0; i < records.size(); ++i) text += (i == 0 ? "" : ",") + records[i];
  return text + "]}";
}

}  // namespace

base::Result<std::unique_ptr<Sockets>> Sockets::make(boost::asio::any_io_executor executor,
                                                     const Profile& profile, Sources& sources,
                                                     Answers& answers, Limiter& limiter, base::Log& log) {
  std::unique_ptr<Sockets> made(new Sockets(executor, profile, sources, answers, limiter, log));
  for (const SocketSpec& spec : profile.sockets) {
    std::vector<websocket::Source> views;
    for (const SubscriptionSpec& wanted : spec.streams) {
      auto view = made->view(wanted.stream, wanted.as, spec.timestamp, wanted.slow);
      if (!view) return base::with_context(spec.path, view.error());
      views.push_back({*view, wanted.history});
    }
    made->sockets_[spec.path] = {
        &spec, std::make_shared<websocket::Socket>(executor, spec, profile.limits, std::move(views))};
  }
  for (const RouteSpec& route : profile.routes) {
    if (!flows(route)) continue;
    auto view = made->view(route.name, route.as, false, Slow::drop);
    if (!view) return base::with_context(route.path, view.error());
    made->lines_[&route] = *view;
  }
  return made;
}

const SocketSpec* Sockets::find(std::string_view path) const {
  const auto found = sockets_.find(path);
  return found == sockets_.end() ? nullptr : found->second.first;
}

http::Response Sockets::open(const SocketSpec& socket, access::Identity identity, websocket::Still still,
                             const http::Request& request) {
  std::shared_ptr<process::Child> worker;
  if (!socket.worker.empty()) {
    const auto spec = std::ranges::find(profile_.workers, socket.worker, &WorkerSpec::name);
    const process::Ends ends{.write_input = true, .name = spec->name};
    auto started = process::Child::start(executor_, std::span(&spec->command, 1), ends, log_);
    if (!started) return problem(503, started.error().text);
    worker = std::move(*started);
  }
  auto on_message = [this, &socket, identity = std::move(identity)](std::string_view text,
                                                                    std::function<void()>& gone) {
    return message(socket, identity, std::string(text), gone);
  };
  return sockets_.find(socket.path)
      ->second.second->upgrade(request, std::move(on_message), std::move(worker), std::move(still));
}

http::Response Sockets::lines(const RouteSpec& route, stream::Still still) {
  return stream::answer_lines(executor_, lines_.at(&route), sources_.feed(route.name).spec().history,
                              std::move(still));
}

awaitable<std::optional<std::string>> Sockets::message(const SocketSpec& socket, access::Identity identity,
                                                       std::string text, std::function<void()>& gone) {
  const json parsed = json::parse(text, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("type") || !parsed["type"].is_string()) {
    co_return error_message(400, "expected a JSON object with a type");
  }
  const auto type = parsed["type"].get<std::string>();
  const auto receive = std::ranges::find(socket.receive, type, &ReceiveSpec::path);
  if (receive == socket.receive.end()) co_return error_message(400, "messages of this type are not taken");
  if (!identity.may(receive->access)) co_return error_message(401, "a token is needed");
  if (!receive->rate.empty()) {
    std::string subject = identity.user ? "user " + identity.user->id : identity.address;
    const std::optional<int> wait = co_await limiter_.check(receive->rate, std::move(subject));
    if (wait) {
      co_return error_message(429, "too many requests: wait " + std::to_string(*wait) + " seconds");
    }
  }
  auto values = read_values(receive->params, {.path = {}, .query = {}, .body = text, .also = {}});
  if (!values) co_return error_message(400, values.error().text);
  std::string owner = identity.user ? identity.user->id : "";
  const Outcome outcome = co_await answers_.message(*receive, std::move(*values), std::move(owner), gone);
  if (outcome.status != 0) co_return error_message(outcome.status == 2 ? 400 : 500, outcome.message);
  co_return one_message(type, outcome.records);
}

std::vector<SocketFigures> Sockets::figures() const {
  std::vector<SocketFigures> figures;
  for (const auto& [path, socket] : sockets_) {
    const websocket::SocketCounts& counts = socket.second->counts();
    figures.push_back({.path = path,
                       .active = counts.active,
                       .opened = counts.opened,
                       .messages = counts.messages,
                       .bytes = counts.bytes,
                       .received = counts.received,
                       .dropped = counts.dropped,
                       .conflated = counts.conflated,
                       .cut = counts.cut});
  }
  return figures;
}

awaitable<void> Sockets::drain() {
  for (const auto& [path, socket] : sockets_) co_await socket.second->drain();
}

base::Result<std::shared_ptr<stream::View>> Sockets::view(const std::string& stream, const std::string& as,
                                                          bool timestamp, Slow slow) {
  std::shared_ptr<stream::View>& view = views_[{stream, as, timestamp, slow}];
  if (view) return view;
  std::optional<shape::Program> program;
  if (!as.empty()) {
    auto compiled = shape::Program::compile(as);
    if (!compiled) return std::unexpected(compiled.error());
    program.emplace(std::move(*compiled));
  }
  stream::ViewOptions options{
      .timestamp = timestamp, .slow = slow, .backlog_bytes = profile_.limits.backlog_bytes};
  view = std::make_shared<stream::View>(sources_.feed(stream), std::move(program), options, log_);
  return view;
}

}  // namespace wl::wsbridge::api
