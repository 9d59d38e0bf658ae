#include "tools/wsbridge/api/answer.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include <boost/algorithm/string/join.hpp>
#include <nlohmann/json.hpp>

#include "tools/wsbridge/process/event.h"

namespace wl::wsbridge::api {
namespace {

constexpr int64_t kCommandTime = 30 * base::kSecond;

/// How a worker or command ended, for HTTP.
struct Ending {
  int status;
  unsigned failure;
  const char* reason;
};
constexpr std::array<Ending, 6> kEndings{{{0, 0, ""},
                                          {2, 400, "the request was not understood"},
                                          {3, 404, "there is no such thing"},
                                          {worker::Call::kTimeout, 504, "it took too long"},
                                          {worker::Call::kLost, 502, "the worker went away"},
                                          {1, 500, "the work failed"}}};

const Ending& ending_of(const worker::Call& call) {
  const auto* const found = std::ranges::find(kEndings, call.status(), &Ending::status);
  return found == kEndings.end() ? kEndings.back() : *found;
}

/// What an `error` record says; status 0: its `code` is none of HTTP. Nothing: it is another record.
std::optional<Failure> as_failure(const std::string& record) {
  if (!record.contains("\"error\"")) return std::nullopt;
  const auto json = nlohmann::json::parse(record, nullptr, false);
  if (!json.is_object() || json.value("type", nlohmann::json()) != "error") return std::nullopt;
  const auto message = json.value("message", nlohmann::json()), code = json.value("code", nlohmann::json());
  const bool is_status = code.is_number_unsigned() && code >= 400U && code < 600U;
  return Failure{is_status ? code.get<unsigned>() : 0, message.is_string() ? message.get<std::string>() : ""};
}

/// How a call failed, in words of its own where it has `said` some; nothing: it did not.
std::optional<Failure> failure_of(const worker::Call& call, const std::optional<Failure>& said) {
  const Ending& ending = ending_of(call);
  if (ending.failure == 0) return std::nullopt;
  Failure failure{ending.failure, ending.reason};
  if (said && said->status != 0 && call.status() > 0) failure.status = said->status;
  if (said && !said->detail.empty()) failure.detail = said->detail;
  return failure;
}

/// A call's output as it comes: records as lines, or pieces as they are.
awaitable<void> write_call(std::shared_ptr<worker::Call> call, std::optional<std::string> next, bool lines,
                           http::BodySink& sink) {
  sink.gone = [&call] { call->cancel(); };
  for (bool taken = true; next;) {
    if (lines) *next += '\n';
    taken = co_await sink.write(*next);
    if (!taken) co_return;
    next = co_await call->next();
  }
  // Too late for another status: lines end with a record that says so, raw bytes without their last chunk.
  if (call->status() == 0) co_return;
  const std::string why = ending_of(*call).reason, told = R"({"type":"error","message":")" + why + "\"}\n";
  if (!lines) throw std::runtime_error(why);
  (void)co_await sink.write(told);
}

}  // namespace

Answers::Answers(Executor executor, const Profile& profile, std::shared_ptr<Redis> redis, base::Log& log)
    : executor_(executor), profile_(profile), log_(log), cache_(executor, std::move(redis)) {
  for (const StreamSpec& spec : profile.streams)
    feeds_.emplace(spec.name, std::make_shared<stream::Feed>(executor, spec, log));
  for (const WorkerSpec& spec : profile.workers)
    pools_.emplace(spec.name, std::make_shared<worker::Pool>(executor, spec, log));
  const auto compile = [this](const std::string& text) {
    if (!text.empty() && !programs_.contains(text))
      programs_.emplace(text, shape::Program::compile(text).value());
  };
  for (const RouteSpec& route : profile.routes)
    for (const std::string& text : {route.as, route.status_as, route.error_as}) compile(text);
  for (const SocketSpec& socket : profile.sockets) {
    for (const SubscriptionSpec& row : socket.streams) compile(row.as);
    for (const ReceiveSpec& row : socket.receive) compile(row.as);
  }
}

void Answers::start() {
  for (const auto& [name, feed] : feeds_) feed->start();
}

awaitable<void> Answers::stop() {
  size_t left = feeds_.size() + pools_.size();
  process::Event event(executor_);
  const auto ended = [&](const std::exception_ptr& error) {
    --left;
    event.notify();
    process::rethrow(error);
  };
  for (const auto& [name, feed] : feeds_) asio::co_spawn(executor_, feed->stop(), ended);
  for (const auto& [name, pool] : pools_) asio::co_spawn(executor_, pool->stop(), ended);
  while (left != 0) co_await event.wait();
}

std::shared_ptr<stream::View> Answers::view(const SubscriptionSpec& spec, const std::string& user) {
  std::erase_if(views_, [](const auto& row) {  // users come and go
    return row.second.use_count() <= 1 && !row.first.second.empty();
  });
  std::shared_ptr<stream::View>& view = views_[{spec, user}];
  shape::Program* const program = spec.as.empty() ? nullptr : &programs_.at(spec.as);
  if (!view)
    view = std::make_shared<stream::View>(feeds_.at(spec.stream), spec, user, program,
                                          profile_.limits.backlog_bytes, log_);
  return view;
}

awaitable<http::Response> Answers::answer(const RouteSpec& route, Values values, std::string owner,
                                          http::Request& request) {
  if (route.source == Source::stream) co_return from_stream(route, request);
  const auto argv = fill(route.argv, values);
  if (!argv) co_return failure(route, {400, argv.error().text});
  if (route.form != Form::json) co_return co_await as_it_comes(route, values, *argv, owner, request);
  if (route.cache_ns == 0) {
    const Entry entry = co_await in_one_piece(route, *argv, owner, request.gone);
    co_return respond(entry, request);
  }
  std::string key = owner;
  for (const std::string& word : *argv) key += '\0' + word;
  // Others may wait for it too: it is made even when this client goes.
  Cache::Maker make = [&] { return in_one_piece(route, *argv, owner, nullptr); };
  std::string name = route.method + " " + route.path;
  const Entry entry = co_await cache_.get(std::move(name), std::move(key), route.cache_ns, std::move(make));
  co_return respond(entry, request);
}

http::Response Answers::from_stream(const RouteSpec& route, const http::Request& request) {
  const stream::Feed& feed = *feeds_.find(route.name)->second;
  const stream::Text newest = feed.last();
  // A program may make something of null.
  if (!newest && route.give == Give::last && route.as.empty())
    return failure(route, {404, "the stream has given no record yet"});
  auto& [of, entry] = last_[&route];
  if (entry.body != nullptr && of == newest) return respond(entry, request);
  of = newest;
  std::string text;
  if (route.give == Give::last) {
    entry = shaped(route, newest ? *newest : "null");
    return respond(entry, request);
  }
  const auto records = route.give == Give::state ? feed.state() : feed.history(SIZE_MAX);
  if (route.form == Form::ndjson) {
    const auto line = [&text](std::string_view record) { (text += record) += '\n'; };
    for (const stream::Text& record : records) (void)shape(route.as, *record, line);
    entry = make_entry(route.status, "application/x-ndjson", std::move(text));
  } else {
    for (const stream::Text& record : records) text += (text.empty() ? "" : ",") + *record;
    entry = shaped(route, "[" + text + "]");
  }
  return respond(entry, request);
}

/// Runs the program `as` of the profile; without one `json` is the result. False: it failed, as the log says.
bool Answers::shape(const std::string& as, const std::string& json,
                    const std::function<void(std::string_view)>& each) {
  if (as.empty()) {
    each(json);
    return true;
  }
  const auto done = programs_.at(as).run(json, each);
  if (!done) log_.warning("jq: " + as.substr(0, 60) + ": " + done.error().line());
  return done.has_value();
}

std::optional<std::string> Answers::first(const std::string& as, const std::string& json) {
  std::string made = "null";
  bool done = false;
  const auto keep_first = [&](std::string_view result) {
    if (!std::exchange(done, true)) made = result;
  };
  return shape(as, json, keep_first) ? std::optional(made) : std::nullopt;
}

Entry Answers::shaped(const RouteSpec& route, const std::string& json) {
  const auto status = route.status_as.empty() ? std::to_string(route.status) : first(route.status_as, json);
  const bool good = status && status->size() == 3 && status->starts_with('2') &&
                    status->find_first_not_of("0123456789") == status->npos;
  if (good && status == "204") return make_entry(204, "", "");
  auto body = good ? first(route.as, json) : std::nullopt;
  if (!body) return failed(route, {500, "the answer could not be shaped"});
  return make_entry(static_cast<unsigned>(std::stoul(*status)), "application/json", std::move(*body));
}

Entry Answers::failed(const RouteSpec& route, const Failure& why) {
  http::Response problem = http::problem(why.status, why.detail, why.retry_after_s);
  auto& text = std::get<std::string>(problem.body);
  const auto own = route.error_as.empty() ? std::nullopt : first(route.error_as, text);
  if (own) problem.headers.front().second = "application/json";
  Entry entry = make_entry(why.status, "", own.value_or(text));
  entry.headers = std::move(problem.headers);
  return entry;
}

http::Response Answers::failure(const RouteSpec& route, const Failure& why) {
  return respond(failed(route, why), {});
}

std::expected<Answers::CallPtr, Failure> Answers::call(const RouteSpec& route, const Argv& argv,
                                                       const std::string& owner) {
  if (route.source == Source::worker) {
    worker::Pool& pool = *pools_.at(route.name);
    auto call = pool.call(argv, owner, route.timeout_ns != 0 ? route.timeout_ns : pool.spec().timeout_ns);
    if (!call) return std::unexpected(Failure{503, "too busy: try again in a second"});
    return call;
  }
  const int64_t time = route.timeout_ns != 0 ? route.timeout_ns : kCommandTime;
  auto call = worker::run_command(executor_, argv, owner, time, route.form == Form::raw, log_);
  if (!call) return std::unexpected(Failure{500, call.error().line()});
  return std::move(*call);
}

/// `gone` is set while it waits; null: it goes on without the client.
awaitable<Records> Answers::collect(const RouteSpec& route, const Argv& argv, const std::string& owner,
                                    std::function<void()>* gone) {
  auto started = call(route, argv, owner);
  if (!started) co_return std::unexpected(started.error());
  worker::Call& call = **started;
  if (gone != nullptr) *gone = [&call] { call.cancel(); };
  Records records;
  std::optional<Failure> said;
  size_t bytes = 0;
  while (bytes <= kMaxAnswer) {
    std::optional<std::string> record = co_await call.next();
    if (!record) break;
    if (auto failure = as_failure(*record)) {
      said = std::move(failure);
      continue;
    }
    bytes += record->size();
    records->push_back(std::move(*record));
  }
  if (gone != nullptr) *gone = nullptr;
  if (bytes > kMaxAnswer) co_return std::unexpected(Failure{500, "the answer is larger than 64 MiB"});
  if (auto failure = failure_of(call, said)) co_return std::unexpected(std::move(*failure));
  co_return records;
}

awaitable<Entry> Answers::in_one_piece(const RouteSpec& route, const Argv& argv, const std::string& owner,
                                       std::function<void()>* gone) {
  const Records records = co_await collect(route, argv, owner, gone);
  if (!records) co_return failed(route, records.error());
  co_return shaped(route, "[" + boost::algorithm::join(*records, ",") + "]");
}

awaitable<http::Response> Answers::as_it_comes(const RouteSpec& route, const Values& values, const Argv& argv,
                                               const std::string& owner, http::Request& request) {
  auto started = call(route, argv, owner);
  if (!started) co_return failure(route, started.error());
  CallPtr running = std::move(*started);
  *request.gone = [call = running.get()] { call->cancel(); };
  std::optional<std::string> first = co_await running->next();
  *request.gone = nullptr;
  const bool lines = route.form == Form::ndjson;
  const auto why = first ? as_failure(*first) : std::nullopt;
  std::optional<std::string> then;
  if (why) then = co_await running->next();
  const bool is_bytes = !lines && (then || running->status() == 0);
  if (why) first = is_bytes ? *first + then.value_or("") : std::move(then);
  const auto failed = first ? std::nullopt : failure_of(*running, why);
  if (failed) co_return failure(route, *failed);
  http::Response response{.status = route.status, .headers = {}, .body = {}};
  response.headers.emplace_back("Content-Type", lines ? "application/x-ndjson" : route.media_type);
  if (!route.file_name.empty()) {
    std::string name = fill_text(route.file_name, values);
    std::erase_if(name, [](char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; });
    response.headers.emplace_back("Content-Disposition", "attachment; filename=\"" + name + "\"");
  }
  response.body =
      http::BodyMaker([call = std::shared_ptr(std::move(running)), first = std::move(first),
                       lines](http::BodySink& sink) { return write_call(call, first, lines, sink); });
  co_return response;
}

awaitable<Records> Answers::message(const ReceiveSpec& receive, Values values, std::string owner,
                                    std::function<void()>& gone) {
  const auto argv = fill(receive.argv, values);
  if (!argv) co_return std::unexpected(Failure{400, argv.error().text});
  Records given = co_await collect(receive, *argv, owner, &gone);
  if (!given) co_return given;
  Records shaped;
  const auto keep = [&](std::string_view result) { shaped->emplace_back(result); };
  for (const std::string& record : *given) (void)shape(receive.as, record, keep);
  co_return shaped;
}

}  // namespace wl::wsbridge::api
