#include "tools/wsbridge/api/answer.h"

#include <stdexcept>

#include <nlohmann/json.hpp>

#include "tools/wsbridge/api/problem.h"

namespace wl::wsbridge::api {
namespace {

using boost::asio::awaitable;

/// The status of HTTP for how a worker or command ended; 0: it is done.
unsigned http_status(int status) {
  switch (status) {
    case 0: return 0;
    case 2: return 400;
    case 3: return 404;
    case worker::Call::kTimeout: return 504;
    case worker::Call::kLost: return 502;
    default: return 500;
  }
}

std::string_view reason_of(int status) {
  switch (status) {
    case 2: return "the request was not understood";
    case 3: return "there is no such thing";
    case worker::Call::kTimeout: return "it took too long";
    case worker::Call::kLost: return "the worker went away";
    default: return "the work failed";
  }
}

/// The message of an `error` record; nothing for others.
std::optional<std::string> error_message(const std::string& record) {
  if (record.find("\"error\"") == std::string::npos) return std::nullopt;
  const auto json = nlohmann::json::parse(record, nullptr, false);
  if (!json.is_object() || json.value("type", nlohmann::json()) != "error") return std::nullopt;
  const auto message = json.find("message");
  return message != json.end() && message->is_string() ? message->get<std::string>() : "";
}

void append_array(std::string& out, const std::vector<std::string>& records) {
  out += '[';
  for (const std::string& record : records) {
    if (out.size() > 1) out += ',';
    out += record;
  }
  out += ']';
}

/// A call's output as it comes: records as lines, or pieces as they are.
class CallBody final : public http::BodySource {
 public:
  CallBody(std::unique_ptr<worker::Call> call, std::optional<std::string> first, bool lines)
      : call_(std::move(call)), next_(std::move(first)), lines_(lines) {}

  awaitable<std::optional<std::string>> next() override {
    if (!started_) {
      started_ = true;
    } else if (next_) {
      next_ = co_await call_->next();
    }
    if (next_) co_return lines_ ? *next_ + "\n" : *next_;
    // Too late for another status: lines end with a record that says so, raw bytes without their last chunk.
    if (call_->status() == 0 || told_) co_return std::nullopt;
    told_ = true;
    const std::string why(reason_of(call_->status()));
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

base::Result<std::unique_ptr<Answers>> Answers::make(boost::asio::any_io_executor executor,
                                                     const Profile& profile, Sources& sources, Cache& cache,
                                                     base::Log& log) {
  std::unique_ptr<Answers> answers(new Answers(std::move(executor), sources, cache, log));
  std::optional<base::Error> failure;
  const auto compile = [&](const std::string& text, std::optional<shape::Program>& into) {
    if (text.empty()) return;
    auto program = shape::Program::compile(text);
    if (program) {
      into.emplace(std::move(*program));
    } else if (!failure) {
      failure = program.error();
    }
  };
  for (const RouteSpec& route : profile.routes) {
    Shapes& shapes = answers->shapes_[&route];
    compile(route.as, shapes.as);
    compile(route.error_as, shapes.error_as);
  }
  for (const SocketSpec& socket : profile.sockets) {
    for (const ReceiveSpec& receive : socket.receive) compile(receive.as, answers->shapes_[&receive].as);
  }
  if (failure) return std::unexpected(*failure);
  return answers;
}

awaitable<http::Response> Answers::answer(const RouteSpec& route, Values values, std::string owner,
                                          http::Request& request) {
  if (route.source == Source::stream) co_return from_stream(route, request);
  auto argv = fill(route.argv, values);
  if (!argv) co_return failure(route, 400, argv.error().text);
  if (route.form != Form::json) {
    co_return co_await as_it_comes(route, values, std::move(*argv), std::move(owner), request);
  }
  if (route.cache_ns == 0) {
    const Entry entry = co_await in_one_piece(route, std::move(*argv), std::move(owner), &request);
    co_return respond(entry, request);
  }
  std::string key = owner;
  for (const std::string& word : *argv) key += '\0' + word;
  // The maker may live longer than this coroutine: it owns what it uses, but for what the profile keeps.
  Cache::Maker make = [this, &route, argv = std::move(*argv), owner = std::move(owner)] {
    return in_one_piece(route, argv, owner, nullptr);
  };
  const Entry entry =
      co_await cache_.get(route.method + " " + route.path, std::move(key), route.cache_ns, std::move(make));
  co_return respond(entry, request);
}

http::Response Answers::failure(const RouteSpec& route, unsigned status, std::string_view detail) {
  const auto found = shapes_.find(&route);
  const bool shaped = found != shapes_.end() && found->second.error_as.has_value();
  return problem(status, detail, shaped ? &*found->second.error_as : nullptr);
}

std::string Answers::shape(const RouteSpec& route, std::string json) {
  const auto found = shapes_.find(&route);
  if (found == shapes_.end() || !found->second.as) return json;
  const Entry entry = shaped(route, json);
  return entry.status < 300 ? *entry.body : json;
}

awaitable<Outcome> Answers::message(const ReceiveSpec& receive, Values values, std::string owner,
                                    std::function<void()>& gone) {
  Outcome outcome;
  auto argv = fill(receive.argv, values);
  if (!argv) {
    outcome = {.status = 2, .message = argv.error().text};
    co_return outcome;
  }
  worker::Pool& pool = sources_.pool(receive.name);
  CallPtr call = pool.call(std::move(*argv), std::move(owner), pool.spec().timeout_ns);
  if (!call) {
    outcome = {.status = 1, .message = "too busy: try again in a second"};
    co_return outcome;
  }
  gone = [running = call.get()] { running->cancel(); };
  outcome = co_await collect(std::move(call));
  gone = nullptr;
  std::optional<shape::Program>& as = shapes_[&receive].as;
  if (!as || outcome.status != 0) co_return outcome;
  std::vector<std::string> shaped;
  for (const std::string& record : outcome.records) {
    const auto done = as->run(record, [&](std::string_view result) { shaped.emplace_back(result); });
    if (!done) log_.warning(receive.path + ": " + done.error().line());
  }
  outcome.records = std::move(shaped);
  co_return outcome;
}

http::Response Answers::from_stream(const RouteSpec& route, const http::Request& request) {
  const stream::Feed& feed = sources_.feed(route.name);
  const stream::Text newest = feed.last();
  Last& kept = last_[&route];
  if (kept.entry.body == nullptr || kept.of != newest) {
    const bool shaped_anyway = !route.as.empty();  // a program may make something of null
    if (!newest && route.give == Give::last && !shaped_anyway) {
      return failure(route, 404, "the stream has given no record yet");
    }
    if (route.give == Give::last) {
      kept = {newest, shaped(route, newest ? *newest : "null")};
    } else {
      kept = {newest, all_of(route, route.give == Give::state ? feed.state() : feed.history(SIZE_MAX))};
    }
  }
  return respond(kept.entry, request);
}

/// An array through the route's program, or lines, each through the program.
Entry Answers::all_of(const RouteSpec& route, const std::vector<stream::Text>& records) {
  std::string text;
  if (route.form != Form::ndjson) {
    for (const stream::Text& record : records) text += (text.empty() ? "[" : ",") + *record;
    return shaped(route, text.empty() ? "[]" : text + "]");
  }
  std::optional<shape::Program>& as = shapes_[&route].as;
  const auto line = [&text](std::string_view record) { (text += record) += '\n'; };
  for (const stream::Text& record : records) {
    if (!as) {
      line(*record);
    } else if (const auto done = as->run(*record, line); !done) {
      log_.warning(route.path + ": " + done.error().line());
    }
  }
  return make_entry(route.status, "application/x-ndjson", std::move(text));
}

base::Result<Answers::CallPtr> Answers::call(const RouteSpec& route, const Argv& argv,
                                             const std::string& owner) {
  if (route.source == Source::worker) {
    return sources_.pool(route.name).call(argv, owner, route.timeout_ns);
  }
  return worker::run_command(executor_, argv, owner, route.timeout_ns, route.form == Form::raw, log_);
}

awaitable<Outcome> Answers::collect(CallPtr call) {
  Outcome outcome;
  size_t bytes = 0;
  for (;;) {
    std::optional<std::string> record = co_await call->next();
    if (!record) break;
    if (const auto message = error_message(*record)) {
      outcome.message = *message;
      continue;
    }
    bytes += record->size();
    if (bytes > kMaxAnswer) {
      outcome = {.status = 1, .records = {}, .message = "the answer is larger than 64 MiB"};
      co_return outcome;
    }
    outcome.records.push_back(std::move(*record));
  }
  outcome.status = call->status();
  if (outcome.status != 0 && outcome.message.empty()) outcome.message = reason_of(outcome.status);
  co_return outcome;
}

awaitable<Entry> Answers::in_one_piece(const RouteSpec& route, Argv argv, std::string owner,
                                       http::Request* request) {
  auto started = call(route, argv, owner);
  if (!started) co_return failed(route, 500, started.error().line());
  if (*started == nullptr) co_return failed(route, 503, "too busy: try again in a second");
  if (request != nullptr) request->gone = [call = started->get()] { call->cancel(); };
  const Outcome outcome = co_await collect(std::move(*started));
  if (request != nullptr) request->gone = nullptr;
  if (const unsigned status = http_status(outcome.status); status != 0) {
    co_return failed(route, status, outcome.message);
  }
  if (route.status == 204) co_return make_entry(204, "", "");
  std::string json;
  append_array(json, outcome.records);
  co_return shaped(route, json);
}

awaitable<http::Response> Answers::as_it_comes(const RouteSpec& route, const Values& values, Argv argv,
                                               std::string owner, http::Request& request) {
  auto started = call(route, argv, owner);
  if (!started) co_return failure(route, 500, started.error().line());
  CallPtr running = std::move(*started);
  if (!running) co_return failure(route, 503, "too busy: try again in a second");
  request.gone = [call = running.get()] { call->cancel(); };
  std::optional<std::string> first = co_await running->next();
  request.gone = nullptr;
  std::string why;
  if (route.form == Form::ndjson && first) {
    if (const auto message = error_message(*first)) {
      why = *message;
      first = co_await running->next();
    }
  }
  if (const unsigned status = first ? 0 : http_status(running->status()); status != 0) {
    co_return failure(route, status, why.empty() ? reason_of(running->status()) : why);
  }
  http::Response response{.status = route.status, .headers = {}, .body = {}};
  const bool lines = route.form == Form::ndjson;
  response.headers.emplace_back("Content-Type", lines ? "application/x-ndjson" : route.media_type);
  if (!route.file_name.empty()) {
    std::string name = fill_text(route.file_name, values);
    std::erase_if(name, [](char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; });
    response.headers.emplace_back("Content-Disposition", "attachment; filename=\"" + name + "\"");
  }
  response.body = std::make_unique<CallBody>(std::move(running), std::move(first), lines);
  co_return response;
}

Entry Answers::shaped(const RouteSpec& route, std::string_view json) {
  std::optional<shape::Program>& as = shapes_[&route].as;
  if (!as) return make_entry(route.status, "application/json", std::string(json));
  std::optional<std::string> body;
  const auto done = as->run(json, [&](std::string_view result) {
    if (!body) body.emplace(result);
  });
  if (!done) {
    log_.warning(route.path + ": " + done.error().line());
    return failed(route, 500, "the answer could not be shaped");
  }
  return make_entry(route.status, "application/json", body.value_or("null"));
}

Entry Answers::failed(const RouteSpec& route, unsigned status, std::string_view detail) {
  http::Response response = failure(route, status, detail);
  std::string media_type = "application/problem+json";
  for (const auto& [name, value] : response.headers) {
    if (name == "Content-Type") media_type = value;
  }
  return make_entry(status, media_type, std::get<std::string>(response.body));
}

}  // namespace wl::wsbridge::api
