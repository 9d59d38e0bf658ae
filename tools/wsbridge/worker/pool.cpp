#include "tools/wsbridge/worker/pool.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include <nlohmann/json.hpp>

#include "libcommon/base/utf8.h"

namespace wl::wsbridge::worker {

using ndjson::ValueKind;
using process::Clock;
using namespace std::chrono_literals;

namespace {

constexpr auto kCancelTime = 2s;  // for a worker to end what was cancelled
constexpr auto kGrace = 1s;       // between SIGTERM and SIGKILL
constexpr std::chrono::nanoseconds kFirstWait = 100ms, kLongestWait = 30s;
constexpr auto kRefuseWait = 1s;  // a wait that is longer than this is not worth a caller's while
constexpr size_t kMaxHeld = size_t{1} << 20;
constexpr size_t kPiece = size_t{64} << 10;
enum Path : uint8_t { kId, kRecord, kEnd, kStatus };

template <class Number>
bool whole(const ndjson::Value& value, ValueKind kind, Number& number) {
  const char* const end = value.text.data() + value.text.size();
  const auto read = std::from_chars(value.text.data(), end, number);
  return value.kind == kind && read.ec == std::errc() && read.ptr == end;
}

}  // namespace

std::string request_line(uint64_t id, const Argv& argv, const std::string& owner) {
  nlohmann::ordered_json line{{"id", std::to_string(id)}, {"argv", nlohmann::json::array()}};
  for (const std::string& word : argv) line["argv"].push_back(base::utf8_text(word));
  if (!owner.empty()) line["owner"] = base::utf8_text(owner);
  return line.dump() + "\n";
}

std::string cancel_line(uint64_t id) { return "{\"id\":\"" + std::to_string(id) + "\",\"cancel\":true}\n"; }

ndjson::Fields answer_fields() {
  return ndjson::Fields(std::array<std::string, 4>{"id", "record", "end", "status"});
}

std::optional<Answer> read_answer(std::string_view line, ndjson::Fields& fields) {
  Answer answer;
  if (!fields.read(line) || !whole(fields[kId], ValueKind::text, answer.id)) return {};
  if (fields[kRecord].kind == ValueKind::object) answer.record = fields[kRecord].text;
  answer.end = fields[kEnd].kind == ValueKind::boolean && fields[kEnd].text == "true";
  if (answer.end ? !whole(fields[kStatus], ValueKind::number, answer.status) : answer.record.empty())
    return {};
  if (answer.status < 0 || answer.status > 3) answer.status = 1;
  return answer;
}

/// A coprocess, or a command. Dead: out of the pool.
struct Process {
  Process(const Executor& executor, std::shared_ptr<process::Child> child_)
      : child(std::move(child_)), changed(executor) {}
  std::shared_ptr<process::Child> child;
  std::map<uint64_t, std::shared_ptr<Request>> running{};
  std::string outgoing{};  // behind what is being written
  bool writing = false;
  bool dead = false;
  process::Event changed;
};

/// From call() to the last answer of its process, which may come after its Call went.
struct Request {
  explicit Request(const Executor& executor) : taken(executor), closed(executor) {}
  void give(std::string_view record) {
    if (ended) return;
    held += record.size();
    records.emplace_back(record);
    taken.notify();
  }
  void end(int how) {
    if (!std::exchange(ended, true)) status = how;
    closed.notify();
    taken.notify();
  }
  /// Ends it for its caller, who gets no more records.
  void cancel(int how) {
    if (ended) return;
    records.clear();
    end(how);
    if (const auto at = process.lock()) at->changed.notify();
  }

  uint64_t id = 0;
  std::string line{};  // for the process
  std::weak_ptr<Process> process{};
  std::deque<std::string> records{};
  size_t held = 0;     // bytes of records
  bool ended = false;  // for its caller
  bool over = false;   // for its process
  int status = Call::kLost;
  process::Event taken;   // records came, or ended
  process::Event closed;  // ended or over
};

namespace {

bool held_up(const Process& process) {
  return !process.dead && std::ranges::any_of(process.running, [](const auto& entry) {
    return !entry.second->ended && entry.second->held > kMaxHeld;
  });
}

/// Lines reach its stdin in their order: a cancellation behind what it cancels.
awaitable<void> send(std::shared_ptr<Process> process, std::string line) {
  process->outgoing += line;
  if (std::exchange(process->writing, true)) co_return;
  while (!process->outgoing.empty()) {
    const std::string text = std::exchange(process->outgoing, {});
    co_await process->child->write(text);
  }
  process->writing = false;
}

/// Says what is wrong with a line; empty: nothing.
using LineReader = std::function<std::string(std::string_view line)>;

/// Reads all that it writes: what was wrong, which ends it; empty: nothing.
awaitable<std::string> read_lines(std::shared_ptr<Process> process, const LineReader& reader,
                                  process::Lines lines) {
  std::string wrong;
  const std::function<void(std::string_view)> each = [&](std::string_view line) {
    if (wrong.empty() && !process->dead) wrong = reader(line);
  };
  for (bool more = true; more && wrong.empty() && !process->dead;) {
    more = co_await lines.next(each);
    if (lines.too_long() != 0) wrong = "wrote a line of more than 16 MiB";
    while (held_up(*process)) co_await process->changed.wait();
  }
  co_return wrong;
}

}  // namespace

awaitable<std::optional<std::string>> Call::next() {
  const auto request = request_;
  while (request->records.empty() && !request->ended) co_await request->taken.wait();
  if (request->records.empty()) co_return std::nullopt;
  std::string record = std::move(request->records.front());
  request->records.pop_front();
  request->held -= record.size();
  if (const auto process = request->process.lock()) process->changed.notify();
  co_return record;
}

void Call::cancel() { request_->cancel(kLost); }
int Call::status() const { return request_->status; }

void Pool::dispatch() {
  std::erase_if(waiting_, [](const auto& request) { return request->ended; });
  while (!waiting_.empty()) {
    const auto process = free_process();
    if (!process) break;
    const auto request = std::move(waiting_.front());
    waiting_.pop_front();
    request->process = process;
    process->running.emplace(request->id, request);
    run(send(process, std::exchange(request->line, {})));
  }
}

/// One without work, else a new one, else the one with the least work; null: all have enough.
std::shared_ptr<Process> Pool::free_process() {
  const auto least =
      std::ranges::min_element(processes_, {}, [](const auto& process) { return process->running.size(); });
  auto best = least == processes_.end() || (*least)->running.size() >= spec_.concurrency ? nullptr : *least;
  const bool idle = best && best->running.empty();
  if (idle || processes_.size() >= spec_.count || stopping_ || Clock::now() < not_before_) return best;
  const auto started = start_process();
  return started ? started : best;
}

std::shared_ptr<Process> Pool::start_process() {
  const process::Ends ends{.write_input = true, .name = spec_.name};
  auto child = process::Child::start(executor_, std::span(&spec_.command, 1), ends, log_);
  if (!child) {
    log_.error(base::with_context("worker " + spec_.name, child.error()).error());
    wait_longer();
    if (!processes_.empty()) return nullptr;
    for (const auto& request : std::exchange(waiting_, {})) request->end(Call::kLost);
    return nullptr;
  }
  auto process = std::make_shared<Process>(executor_, std::move(*child));
  processes_.push_back(process);
  run(read(process));
  return process;
}

/// Before another process is started, so that one that always fails does not take the machine.
void Pool::wait_longer() {
  delay_ = std::clamp(delay_ * 2, kFirstWait, kLongestWait);
  not_before_ = Clock::now() + delay_;
  run(dispatch_after(delay_));
}

awaitable<void> Pool::dispatch_after(std::chrono::nanoseconds pause) {
  co_await changed_.until([this] { return stopping_; }, pause);
  dispatch();
}

/// What is wrong with the line; empty: nothing.
std::string Pool::take(Process& process, std::string_view line) {
  constexpr size_t kShown = 200;
  const auto answer = read_answer(line, fields_);
  const auto found = answer ? process.running.find(answer->id) : process.running.end();
  if (found == process.running.end())
    return "wrote what is no answer: " + base::wire_text(line.substr(0, kShown));
  const auto request = found->second;
  if (!answer->record.empty()) request->give(answer->record);
  if (!answer->end) return {};
  process.running.erase(found);
  request->over = true;
  request->end(answer->status);
  delay_ = 0ns;
  dispatch();
  return {};
}

/// `why`: empty where that is no failure.
void Pool::replace(std::shared_ptr<Process> process, const std::string& why) {
  if (std::exchange(process->dead, true)) return;
  if (!why.empty()) {
    log_.error("worker " + spec_.name + ": " + why + "; another process takes its place");
    ++counts_.restarts;
  }
  std::erase(processes_, process);
  for (const auto& [id, request] : std::exchange(process->running, {})) {
    request->over = true;
    request->end(Call::kLost);
  }
  process->changed.notify();
  ++dying_;
  run(bury(process));
  dispatch();
}

awaitable<void> Pool::read(std::shared_ptr<Process> process) {
  const LineReader each = [this, at = process.get()](std::string_view line) { return take(*at, line); };
  process::Lines lines(*process->child);
  const std::string wrong = co_await read_lines(process, each, std::move(lines));
  if (process->dead) co_return;
  wait_longer();
  replace(process, wrong.empty() ? "its stdout ended" : wrong);
}

awaitable<void> Pool::bury(std::shared_ptr<Process> process) {
  co_await process->child->stop(kGrace);
  process->child->close();
  --dying_;
  changed_.notify();
}

/// The limits of its time: to its end for the caller, and to its end for the process behind that.
awaitable<void> Pool::supervise(std::shared_ptr<Request> request, std::chrono::nanoseconds time) {
  const Request* const watched = request.get();
  co_await request->closed.until([watched] { return watched->ended; }, time);
  request->cancel(Call::kTimeout);
  if (request->status == 1 || request->status == Call::kLost) ++counts_.failed;
  if (request->status == Call::kTimeout) ++counts_.timeouts;
  const auto process = request->process.lock();
  if (!process) dispatch();  // it leaves the queue
  if (!process || request->over) co_return;
  run(send(process, cancel_line(request->id)));
  co_await request->closed.until([watched] { return watched->over; }, kCancelTime);
  if (!request->over) replace(process, "does not end what was cancelled");
}

std::unique_ptr<Call> Pool::call(Argv argv, std::string owner, int64_t timeout_ns) {
  auto request = std::make_shared<Request>(executor_);
  request->id = next_id_++;
  request->line = request_line(request->id, argv, owner);
  const bool hopeless = stopping_ || (processes_.empty() && not_before_ - Clock::now() > kRefuseWait);
  if (!hopeless) waiting_.push_back(request);
  dispatch();
  const bool full = waiting_.size() > spec_.queue;
  if (full) waiting_.pop_back();
  ++(hopeless || full ? counts_.refused : counts_.calls);
  if (hopeless || full) return nullptr;
  run(supervise(request, std::chrono::nanoseconds(timeout_ns)));
  return std::make_unique<Call>(std::move(request));
}

awaitable<void> Pool::stop() {
  const auto self = shared_from_this();
  stopping_ = true;
  for (const auto& request : std::exchange(waiting_, {})) request->end(Call::kLost);
  while (!processes_.empty()) replace(processes_.front(), "");
  changed_.notify();
  co_await changed_.until([this] { return dying_ == 0; });
}

PoolCounts Pool::counts() const {
  PoolCounts counts = counts_;
  for (const auto& process : processes_) counts.busy += process->running.size();
  counts.waiting = waiting_.size();
  return counts;
}

namespace {

awaitable<void> read_command(std::shared_ptr<Process> process, std::shared_ptr<Request> request, bool raw,
                             std::string name, base::Log& log) {
  ndjson::Fields fields{{}};
  const LineReader each = [&fields, &request, raw](std::string_view line) -> std::string {
    if (!raw && !fields.read(line)) return "expected a JSON object for each line";
    request->give(line);
    return {};
  };
  process::Lines lines = raw ? process::Lines(*process->child, kPiece, process::Lines::Mode::raw)
                             : process::Lines(*process->child);
  const std::string wrong = co_await read_lines(process, each, std::move(lines));
  if (!wrong.empty()) {
    log.error(name + ": " + wrong);
    request->end(Call::kLost);
  }
  if (request->ended) co_return;
  const int exit = co_await process->child->wait();
  request->end(exit > 128 ? Call::kLost : exit > 3 ? 1 : exit);
}

awaitable<void> limit_command(std::shared_ptr<Process> process, std::shared_ptr<Request> request,
                              std::chrono::nanoseconds time) {
  const Request* const watched = request.get();
  co_await request->closed.until([watched] { return watched->ended; }, time);
  request->cancel(Call::kTimeout);
  process->child->close();
  co_await process->child->stop(kGrace);
}

}  // namespace

base::Result<std::unique_ptr<Call>> run_command(Executor executor, const Argv& argv, const std::string& owner,
                                                int64_t timeout_ns, bool raw, base::Log& log) {
  const process::Ends ends{.name = argv.front(), .owner = owner};
  auto child = process::Child::start(executor, std::span(&argv, 1), ends, log);
  if (!child) return std::unexpected(child.error());
  const auto process = std::make_shared<Process>(executor, std::move(*child));
  auto request = std::make_shared<Request>(executor);
  request->process = process;
  process->running.emplace(0, request);
  process::spawn(executor, process, read_command(process, request, raw, argv.front(), log));
  process::spawn(executor, process, limit_command(process, request, std::chrono::nanoseconds(timeout_ns)));
  return std::make_unique<Call>(std::move(request));
}

}  // namespace wl::wsbridge::worker
