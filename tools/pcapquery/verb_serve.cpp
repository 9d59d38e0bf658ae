#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "libcommon/base/signals.h"
#include "libcommon/base/utf8.h"
#include "libcommon/cli/options.h"
#include "libcommon/ndjson/output.h"
#include "libcommon/ndjson/reader.h"
#include "libcommon/record/stream_types.h"
#include "tools/pcapquery/command_line.h"
#include "tools/pcapquery/verbs.h"

namespace wl::pcapquery {
namespace {

using base::Result;
using nlohmann::json;

constexpr std::array<const record::RecordType*, 1> kTypes{&record::kErrorType};

struct Request {
  std::string id{};
  std::vector<std::string> argv{};
  std::string owner{};
};

std::string quoted_id(const std::string& id) {
  return json(id).dump(-1, ' ', false, json::error_handler_t::replace);
}

/// Answers of one request, as records of it.
class ReplySink final : public Sink {
 public:
  ReplySink(ndjson::Output& out, const std::string& id) : out_(out), head_("{\"id\":" + quoted_id(id)) {}

  bool record(std::string_view text) override {
    out_.write(head_ + ",\"record\":" + std::string(text) + "}\n");
    return out_.good();
  }
  Result<void> flush() override {
    out_.flush();
    if (out_.state() == ndjson::WriteState::failed) return std::unexpected(out_.error());
    return {};
  }
  void end(base::Exit exit) {
    out_.write(head_ + ",\"end\":true,\"status\":" + std::to_string(static_cast<int>(exit)) + "}\n");
  }

 private:
  ndjson::Output& out_;
  std::string head_;
};

/// Requests on their way from the thread that reads to the one that works.
class Queue {
 public:
  void add(Request request) {
    const std::scoped_lock lock(mutex_);
    waiting_.push_back(std::move(request));
    changed_.notify_one();
  }
  void close() {
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    changed_.notify_one();
  }
  /// Of a request that waits or is being worked on.
  void cancel(const std::string& id) {
    const std::scoped_lock lock(mutex_);
    if (id == current_) current_unwanted_ = true;
    for (const Request& request : waiting_)
      if (request.id == id) cancelled_.push_back(id);
  }
  /// Waits for one; nothing: there will be none.
  std::optional<Request> take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || !waiting_.empty(); });
    if (waiting_.empty()) return std::nullopt;
    Request request = std::move(waiting_.front());
    waiting_.pop_front();
    current_ = request.id;
    current_unwanted_ = std::erase(cancelled_, request.id) != 0;
    return request;
  }
  [[nodiscard]] bool is_unwanted() const { return current_unwanted_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Request> waiting_;
  std::vector<std::string> cancelled_;
  std::string current_;
  std::atomic<bool> current_unwanted_ = false;
  bool closed_ = false;
};

/// A line of ours: a request goes into the queue, a cancellation to its request. False: it is neither.
bool take_line(std::string_view line, Queue& queue) {
  const json message = json::parse(line, nullptr, false);
  if (!message.is_object() || !message.contains("id") || !message["id"].is_string()) return false;
  Request request{message["id"].get<std::string>()};
  if (message.value("cancel", json()) == true) {
    queue.cancel(request.id);
    return true;
  }
  // What is no request of ours is answered all the same: somebody waits. It has no verb.
  const json argv = message.value("argv", json()), owner = message.value("owner", json());
  const bool has_words = argv.is_array() && std::ranges::all_of(argv, &json::is_string);
  // An owner is somebody; only without the key it is the operator who asks.
  const bool has_owner = owner.is_string() && owner != "";
  if (has_words && (has_owner || !message.contains("owner")))
    request.argv = argv.get<std::vector<std::string>>();
  if (has_owner) request.owner = owner.get<std::string>();
  queue.add(std::move(request));
  return true;
}

constexpr uint64_t kMostTold = 10;

/// How many lines were no requests.
uint64_t read_lines(const Asker& asker, Queue& queue) {
  ndjson::LineReader lines(asker.in);
  ndjson::Line line;
  uint64_t skipped = 0;
  for (;;) {
    const auto state = lines.next(line);
    if (!state || *state == ndjson::LineState::end || base::Signals::stop_requested()) break;
    if (*state == ndjson::LineState::idle) continue;
    if (*state != ndjson::LineState::too_long && take_line(line.text, queue)) continue;
    if (++skipped <= kMostTold)
      asker.log->error("stdin:" + std::to_string(line.number) + ": expected a request");
  }
  queue.close();
  return skipped;
}

class Serve final : public Verb {
 public:
  void declare(CLI::App&, Selection&) override {}

  Result<void> run(Query& query) override {
    ndjson::Output out(query.asker().out);
    Queue queue;
    uint64_t skipped = 0;
    std::thread reader;
    {
      const base::SignalsBlocked blocked;
      reader = std::thread([&] { skipped = read_lines(query.asker(), queue); });
    }
    while (auto request = queue.take()) {
      ReplySink sink(out, request->id);
      const auto answered = answer(*request, query, queue, sink);
      if (!answered) sink.error(answered.error());
      sink.end(answered ? base::Exit::ok : answered.error().exit);
      if (!sink.flush()) break;
    }
    reader.join();
    if (out.state() == ndjson::WriteState::failed) return std::unexpected(out.error());
    if (skipped != 0)
      return base::fail("stdin: " + std::to_string(skipped) + (skipped == 1 ? " line was" : " lines were") +
                        " no request");
    return {};
  }

 private:
  static Result<void> answer(const Request& request, const Query& query, const Queue& queue,
                             ReplySink& sink) {
    CommandLine line;
    CLI::App app;
    app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    line.declare(app);
    for (CLI::App* const each : app.get_subcommands([](CLI::App*) { return true; })) each->set_help_flag();
    app.set_help_flag();
    const std::string verb = request.argv.empty() ? "" : request.argv[0];
    if (std::ranges::find(verbs(), verb, [](const VerbInfo* info) { return std::string_view(info->name); }) ==
        verbs().end())
      return base::fail("\"" + verb + "\": there is no such verb", {}, base::Exit::usage);
    try {
      app.parse(std::vector<std::string>(request.argv.rbegin(), request.argv.rend()));
    } catch (const CLI::Error& error) {
      return base::fail(error.what(), {}, base::Exit::usage);
    }
    if (!line.may_be_asked_from_afar())
      return base::fail("serve: a request may not say where the store is, whose it is, or what to write",
                        "leave out --owner, --store, --db, -t, -w", base::Exit::usage);
    Asker& asker = line.asker();
    asker.selection.owner = request.owner;
    asker.selection.catalog = query.selection().catalog;
    asker.selection.is_stored = true;
    asker.table = false;
    asker.is_unwanted = [&queue] { return queue.is_unwanted(); };
    Query one(asker, sink);
    return line.answer(one);
  }
};

}  // namespace

extern const VerbInfo kServe;
const VerbInfo kServe{"serve",          "answer requests on standard input, for wsbridge",
                      Takes::store,     kTypes,
                      make_verb<Serve>, false};

}  // namespace wl::pcapquery
