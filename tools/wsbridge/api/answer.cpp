#include "tools/wsbridge/api/answer.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include <boost/asio/co_spawn.hpp>
#include <nlohmann/json.hpp>

#include "tools/wsbridge/process/event.h"

namespace wl::wsbridge::api {
namespace {

using boost::asio::awaitable;

constexpr const char* kBusy = "too busy: try again in a second";

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

/// An `error` record: why the work failed.
struct Fault {
  std::string message{};
  unsigned failure = 0;  ///< status of HTTP, where the record's `code` is one; else 0
};
std::optional<Fault> as_fault(const std::string& record) {
  if (!record.contains("\"error\"")) return std::nullopt;
  const auto json = nlohmann::json::parse(record, nullptr, false);
  if (!json.is_object() || json.value("type", nlohmann::json()) != "error") return std::nullopt;
  const auto message = json.value("message", nlohmann::json()), code = json.value("code", nlohmann::json());
  Fault fault{.message = message.is_string() ? message.get<std::string>() : ""};
  if (code.is_number_unsigned() && code >= 400U && code < 600U) fault.failure = code.get<unsigned>();
  return fault;
}

/// How a call failed; 0: it did not. Of what it says itself its own code counts.
unsigned failure_of(const worker::Call& call, unsigned code) {
  return call.status() > 0 && code != 0 ? code : ending_of(call).failure;
}

/// A call's output as it comes: records as lines, or pieces as they are.
class CallBody final : public http::BodySource {
 public:
  CallBody(std::unique_ptr<worker::Call> call, std::optional<std::string> first, bool lines)
      : call_(std::move(call)), next_(std::move(first)), lines_(lines) {}

  awaitable<std::optional<std::string>> next() override {
    if (std::exchange(started_, true) && next_) next_ = co_await call_->next();
    if (next_) co_return lines_ ? *next_ + "\n" : *next_;
    // Too late for another status: lines end with a record that says so, raw bytes without their last chunk.
    if (call_->status() == 0 || std::exchange(told_, true)) co_return std::nullopt;
    const std::string why = ending_of(*call_).reason;
    if (!lines_) throw std::runtime_error(why);
    co_return R"({"type":"error","message":")" + why + "\"}\n";
  }
  void gone() override { call_->cancel(); }

 private:
  std::unique_ptr<worker::Call> call_;
  std::optional<std::string> next_;
  bool lines_;
  bool started_ = false;
  bool told_ = false;
};

}  // namespace

Answers::Answers(boost::asio::any_io_executor executor, const Profile& profile, std::shared_ptr<Redis> redis,
                 base::Log& log)
    : executor_(executor), profile_(profile), log_(log), cache_(executor, std::move(redis)) {
  for (const StreamSpec& spec : profile.streams)
    feeds_.emplace(spec.name, std::make_shared<stream::Feed>(executor, spec, log));
  for (const WorkerSpec& spec : profile.workers)
    pools_.emplace(spec.name, std::make_shared<worker::Pool>(executor, spec, log));
}

base::Result<void> Answers::compile() {
  std::vector<std::string> texts;
  for (const RouteSpec& route : profile_.routes)
    texts.insert(texts.end(), {route.as, route.status_as, route.error_as});
  for (const SocketSpec& socket : profile_.sockets) {
    for (const ReceiveSpec& receive : socket.receive) texts.push_back(receive.as);
  }
  for (const std::string& text : texts) {
    if (text.empty() || programs_.contains(text)) continue;
    auto program = shape::Program::compile(text);
    if (!program) return std::unexpected(program.error());
    programs_.emplace(text, std::move(*program));
  }
  return {};
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
  for (const auto& [name, feed] : feeds_) boost::asio::co_spawn(executor_, feed->stop(), ended);
  for (const auto& [name, pool] : pools_) boost::asio::co_spawn(executor_, pool->stop(), ended);
  while (left != 0) co_await event.wait();
}

base::Result<std::shared_ptr<stream::View>> Answers::view(const std::string& stream, const std::string& as,
                                                          bool timestamp, Slow slow,
                                                          const stream::Mine& mine) {
  std::erase_if(views_, [](const auto& row) {  // users come and go
    return row.second.use_count() <= 1 && !std::get<stream::Mine>(row.first).key.empty();
  });
  std::shared_ptr<stream::View>& view = views_[{stream, as, timestamp, slow, mine}];
  if (view) return view;
  std::optional<shape::Program> program;
  if (!as.empty()) {
    auto compiled = shape::Program::compile(as);
    if (!compiled) return std::unexpected(compiled.error());
    program.emplace(std::move(*compiled));
  }
  stream::ViewOptions options{
      .timestamp = timestamp, .slow = slow, .backlog_bytes = profile_.limits.backlog_bytes, .mine = mine};
  view = std::make_shared<stream::View>(*feeds_.at(stream), std::move(program), options, log_);
  return view;
}

awaitable<http::Response> Answers::answer(const RouteSpec& route, Values values, std::string owner,
                                          http::Request& request) {
  if (route.source == Source::stream) co_return from_stream(route, request);
  const auto argv = fill(route.argv, values);
  if (!argv) co_return failure(route, 400, argv.error().text);
  if (route.form != Form::json) co_return co_await as_it_comes(route, values, *argv, owner, request);
  if (route.cache_ns == 0) {
    const Entry entry = co_await in_one_piece(route, *argv, owner, &request.gone);
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
    return failure(route, 404, "the stream has given no record yet");
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
  if (!body) return failed(route, 500, "the answer could not be shaped");
  return make_entry(static_cast<unsigned>(std::stoul(*status)), "application/json", std::move(*body));
}

Entry Answers::failed(const RouteSpec& route, unsigned status, std::string_view detail) {
  const std::string problem = std::get<std::string>(http::problem(status, detail).body);
  const auto own = route.error_as.empty() ? std::nullopt : first(route.error_as, problem);
  return make_entry(status, own ? "application/json" : "application/problem+json", own.value_or(problem));
}

http::Response Answers::failure(const RouteSpec& route, unsigned status, std::string_view detail) {
  return respond(failed(route, status, detail), {});
}

base::Result<Answers::CallPtr> Answers::call(const RouteSpec& route, const Argv& argv,
                                             const std::string& owner) {
  if (route.source == Source::worker) return pools_.at(route.name)->call(argv, owner, route.timeout_ns);
  return worker::run_command(executor_, argv, owner, route.timeout_ns, route.form == Form::raw, log_);
}

/// `gone` is set while it waits; null: it goes on without the client.
awaitable<Outcome> Answers::collect(base::Result<CallPtr> started, std::function<void()>* gone) {
  Outcome outcome;
  if (!started || *started == nullptr) {
    outcome.failure = started ? 503 : 500;
    outcome.detail = started ? kBusy : started.error().line();
    co_return outcome;
  }
  worker::Call& call = **started;
  if (gone != nullptr) *gone = [&call] { call.cancel(); };
  unsigned code = 0;
  for (size_t bytes = 0; bytes <= kMaxAnswer;) {
    std::optional<std::string> record = co_await call.next();
    if (!record) break;
    if (auto fault = as_fault(*record)) {
      outcome.detail = std::move(fault->message);
      code = fault->failure;
      continue;
    }
    bytes += record->size();
    outcome.records.push_back(std::move(*record));
    if (bytes > kMaxAnswer) outcome = {.failure = 500, .detail = "the answer is larger than 64 MiB"};
  }
  if (gone != nullptr) *gone = nullptr;
  if (outcome.failure != 0) co_return outcome;
  outcome.failure = failure_of(call, code);
  if (outcome.detail.empty()) outcome.detail = ending_of(call).reason;
  co_return outcome;
}

awaitable<Entry> Answers::in_one_piece(const RouteSpec& route, const Argv& argv, const std::string& owner,
                                       std::function<void()>* gone) {
  auto started = call(route, argv, owner);
  const Outcome outcome = co_await collect(std::move(started), gone);
  if (outcome.failure != 0) co_return failed(route, outcome.failure, outcome.detail);
  std::string json;
  for (const std::string& record : outcome.records) json += (json.empty() ? "" : ",") + record;
  co_return shaped(route, "[" + json + "]");
}

awaitable<http::Response> Answers::as_it_comes(const RouteSpec& route, const Values& values, const Argv& argv,
                                               const std::string& owner, http::Request& request) {
  auto started = call(route, argv, owner);
  if (!started) co_return failure(route, 500, started.error().line());
  CallPtr running = std::move(*started);
  if (!running) co_return failure(route, 503, kBusy);
  request.gone = [call = running.get()] { call->cancel(); };
  std::optional<std::string> first = co_await running->next();
  request.gone = nullptr;
  const bool lines = route.form == Form::ndjson;
  const auto why = first ? as_fault(*first) : std::nullopt;
  std::optional<std::string> then;
  if (why) then = co_await running->next();
  const bool is_bytes = !lines && (then || running->status() == 0);
  if (why) first = is_bytes ? *first + then.value_or("") : std::move(then);
  if (!first && running->status() != 0)
    co_return failure(route, failure_of(*running, why ? why->failure : 0),
                      why && !why->message.empty() ? why->message : ending_of(*running).reason);
  http::Response response{.status = route.status, .headers = {}, .body = {}};
  response.headers.emplace_back("Content-Type", lines ? "application/x-ndjson" : route.media_type);
  if (!route.file_name.empty()) {
    std::string name = fill_text(route.file_name, values);
    std::erase_if(name, [](char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; });
    response.headers.emplace_back("Content-Disposition", "attachment; filename=\"" + name + "\"");
  }
  response.body = std::make_unique<CallBody>(std::move(running), std::move(first), lines);
  co_return response;
}

awaitable<Outcome> Answers::message(const ReceiveSpec& receive, Values values, std::string owner,
                                    std::function<void()>& gone) {
  Outcome outcome;
  auto argv = fill(receive.argv, values);
  if (!argv) {
    outcome = {.failure = 400, .detail = argv.error().text};
    co_return outcome;
  }
  worker::Pool& pool = *pools_.at(receive.name);
  CallPtr call = pool.call(std::move(*argv), std::move(owner), pool.spec().timeout_ns);
  outcome = co_await collect(std::move(call), &gone);
  const std::vector<std::string> records = std::exchange(outcome.records, {});
  const auto keep = [&](std::string_view result) { outcome.records.emplace_back(result); };
  for (const std::string& record : records) (void)shape(receive.as, record, keep);
  co_return outcome;
}

}  // namespace wl::wsbridge::api
