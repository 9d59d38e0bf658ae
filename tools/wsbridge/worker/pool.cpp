#include "tools/wsbridge/worker/pool.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>

#include <boost/asio/co_spawn.hpp>

#include "libcommon/base/utf8.h"
#include "tools/wsbridge/process/child.h"
#include "tools/wsbridge/process/event.h"
#include "tools/wsbridge/worker/protocol.h"

namespace wl::wsbridge::worker {

namespace net = boost::asio;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto kCancelTime = 2s;  // for a worker to end what was cancelled
constexpr auto kGrace = 1s;       // between SIGTERM and SIGKILL
constexpr auto kLongestWait = 30s;
constexpr auto kFirstWait = 100ms;
constexpr auto kRefuseWait = 1s;  // a wait that is longer than this is not worth a caller's while
constexpr size_t kMaxHeld = size_t{1} << 20;

struct Process;

/// A request from its call() to the last answer of its process, which may come after its Call went.
struct Request {
  Request(net::any_io_executor executor, uint64_t id_, std::string line_)
      : id(id_), line(std::move(line_)), taken(executor), closed(executor) {}
  uint64_t id;
  std::string line;  // for the process
  std::weak_ptr<Process> process{};
  std::deque<std::string> records{};
  size_t held = 0;     // bytes of records
  bool ended = false;  // for its caller
  bool over = false;   // for its process
  int status = Call::kLost;
  process::Event taken;   // records came, or ended
  process::Event closed;  // ended or over
};

/// A coprocess. Dead: out of the pool.
struct Process {
  Process(net::any_io_executor executor, std::shared_ptr<process::Child> child_)
      : child(std::move(child_)), changed(executor) {}
  [[nodiscard]] bool held_up() const {
    return !dead && std::ranges::any_of(running, [](const auto& entry) {
      return !entry.second->ended && entry.second->held > kMaxHeld;
    });
  }
  std::shared_ptr<process::Child> child;
  std::map<uint64_t, std::shared_ptr<Request>> running{};
  std::string outgoing{};
  bool dead = false;
  process::Event changed;
};

}  // namespace

struct Pool::State : std::enable_shared_from_this<Pool::State> {
  State(net::any_io_executor io, const WorkerSpec& spec_, base::Log& log_)
      : executor(io), spec(spec_), log(log_), changed(io) {}

  void dispatch();
  [[nodiscard]] std::shared_ptr<Process> free_process();
  [[nodiscard]] std::shared_ptr<Process> start_process();
  void end(Request& request, int status);
  void cancel(const std::shared_ptr<Request>& request, int status);
  [[nodiscard]] std::string take(Process& process, std::string_view line);
  void remove(const std::shared_ptr<Process>& process);
  void replace(const std::shared_ptr<Process>& process, const std::string& why, bool pause);
  void wait_longer();
  void shut();

  static net::awaitable<void> read(std::shared_ptr<State> state, std::shared_ptr<Process> process);
  static net::awaitable<void> write(std::shared_ptr<Process> process);
  static net::awaitable<void> bury(std::shared_ptr<State> state, std::shared_ptr<Process> process);
  static net::awaitable<void> limit(std::shared_ptr<State> state, std::shared_ptr<Request> request,
                                    std::chrono::nanoseconds time);
  static net::awaitable<void> dispatch_later(std::shared_ptr<State> state);

  net::any_io_executor executor;
  WorkerSpec spec;
  base::Log& log;
  process::Event changed;
  PoolCounts counts{};
  uint64_t next_id = 1;
  std::vector<std::shared_ptr<Process>> processes{};
  std::deque<std::shared_ptr<Request>> waiting{};
  size_t dying = 0;
  Clock::time_point not_before{};  // no process is started until then
  std::chrono::nanoseconds delay = kFirstWait;
  bool later = false;  // dispatch_later() is at it
  bool stopping = false;
  AnswerReader reader{};
};

class Pool::Pending final : public Call {
 public:
  Pending(std::shared_ptr<State> pool, std::shared_ptr<Request> request)
      : pool_(std::move(pool)), request_(std::move(request)) {}
  ~Pending() override { pool_->cancel(request_, kLost); }
  net::awaitable<std::optional<std::string>> next() override {
    const auto request = request_;
    while (request->records.empty() && !request->ended) co_await request->taken.wait();
    std::optional<std::string> record;
    if (!request->records.empty()) {
      record = std::move(request->records.front());
      request->records.pop_front();
      request->held -= record->size();
      if (const auto process = request->process.lock()) process->changed.notify();
    }
    co_return record;
  }
  void cancel() override { pool_->cancel(request_, kLost); }
  [[nodiscard]] int status() const override { return request_->status; }

 private:
  std::shared_ptr<State> pool_;
  std::shared_ptr<Request> request_;
};

void Pool::State::dispatch() {
  while (!waiting.empty()) {
    const auto process = free_process();
    if (!process) break;
    const auto request = std::move(waiting.front());
    waiting.pop_front();
    request->process = process;
    process->running.emplace(request->id, request);
    process->outgoing += std::exchange(request->line, {});
    process->changed.notify();
    ++counts.busy;
  }
  counts.waiting = static_cast<uint32_t>(waiting.size());
}

/// One without work, else a new one, else the one with the least work; null: all have enough.
std::shared_ptr<Process> Pool::State::free_process() {
  std::shared_ptr<Process> best;
  for (const auto& process : processes) {
    if (process->running.size() >= spec.concurrency) continue;
    if (!best || process->running.size() < best->running.size()) best = process;
  }
  if ((best && best->running.empty()) || processes.size() >= spec.count || stopping) return best;
  if (Clock::now() >= not_before) {
    auto started = start_process();
    return started ? started : best;
  }
  if (!std::exchange(later, true))
    net::co_spawn(executor, dispatch_later(shared_from_this()), process::rethrow);
  return best;
}

std::shared_ptr<Process> Pool::State::start_process() {
  const process::Ends ends{.write_input = true, .name = spec.name};
  auto child = process::Child::start(executor, std::span(&spec.command, 1), ends, log);
  if (!child) {
    log.error(base::with_context("worker " + spec.name, child.error()).error());
    wait_longer();
    for (const auto& request : waiting) {
      if (processes.empty()) end(*request, Call::kLost);
    }
    std::erase_if(waiting, [](const auto& request) { return request->ended; });
    return nullptr;
  }
  auto process = std::make_shared<Process>(executor, std::move(*child));
  processes.push_back(process);
  net::co_spawn(executor, read(shared_from_this(), process), process::rethrow);
  net::co_spawn(executor, write(process), process::rethrow);
  return process;
}

void Pool::State::wait_longer() {
  not_before = Clock::now() + delay;
  delay = std::min<std::chrono::nanoseconds>(delay * 2, kLongestWait);
}

void Pool::State::end(Request& request, int status) {
  if (std::exchange(request.ended, true)) return;
  request.status = status;
  if (status == 1 || status == Call::kLost) ++counts.failed;
  if (status == Call::kTimeout) ++counts.timeouts;
  request.taken.notify();
  request.closed.notify();
}

void Pool::State::cancel(const std::shared_ptr<Request>& request, int status) {
  if (request->ended) return;
  request->records.clear();
  if (const auto process = request->process.lock(); process && !request->over) {
    process->outgoing += cancel_line(request->id);
    process->changed.notify();
  }
  if (std::erase(waiting, request) != 0) request->over = true;
  counts.waiting = static_cast<uint32_t>(waiting.size());
  end(*request, status);
}

/// What is wrong with the line; empty: nothing.
std::string Pool::State::take(Process& process, std::string_view line) {
  constexpr size_t kShown = 200;
  const auto answer = reader.read(line);
  const auto found = answer ? process.running.find(answer->id) : process.running.end();
  if (found == process.running.end())
    return "wrote what is no answer: " + base::wire_text(line.substr(0, kShown));
  const auto request = found->second;
  if (!answer->record.empty() && !request->ended) {
    request->records.emplace_back(answer->record);
    request->held += answer->record.size();
    request->taken.notify();
  }
  if (!answer->end) return {};
  request->over = true;
  process.running.erase(found);
  --counts.busy;
  delay = kFirstWait;
  end(*request, answer->status);
  request->closed.notify();
  dispatch();
  return {};
}

void Pool::State::remove(const std::shared_ptr<Process>& process) {
  process->dead = true;
  std::erase(processes, process);
  counts.busy -= static_cast<uint32_t>(process->running.size());
  for (const auto& [id, request] : process->running) {
    request->over = true;
    end(*request, Call::kLost);
    request->closed.notify();
  }
  process->running.clear();
  process->changed.notify();
  ++dying;
  net::co_spawn(executor, bury(shared_from_this(), process), process::rethrow);
}

/// `pause`: before another is started, so that one that always fails does not take the machine.
void Pool::State::replace(const std::shared_ptr<Process>& process, const std::string& why, bool pause) {
  if (process->dead) return;
  log.error("worker " + spec.name + ": " + why + "; another process takes its place");
  ++counts.restarts;
  if (pause) wait_longer();
  remove(process);
  dispatch();
}

void Pool::State::shut() {
  stopping = true;
  for (const auto& request : std::exchange(waiting, {})) {
    request->over = true;
    end(*request, Call::kLost);
  }
  counts.waiting = 0;
  while (!processes.empty()) remove(std::shared_ptr(processes.front()));
  changed.notify();
}

net::awaitable<void> Pool::State::read(std::shared_ptr<State> state, std::shared_ptr<Process> process) {
  process::Lines lines(*process->child);
  std::string wrong;
  const std::function<void(std::string_view)> each = [&state, &process, &wrong](std::string_view line) {
    if (wrong.empty() && !process->dead) wrong = state->take(*process, line);
  };
  for (bool more = true; more && wrong.empty() && !process->dead;) {
    more = co_await lines.next(each);
    if (lines.too_long() != 0) wrong = "wrote a line of more than 16 MiB";
    while (process->held_up()) co_await process->changed.wait();
  }
  state->replace(process, wrong.empty() ? "ended" : wrong, true);
}

net::awaitable<void> Pool::State::write(std::shared_ptr<Process> process) {
  for (bool open = true; open && !process->dead;) {
    const std::string text = std::exchange(process->outgoing, {});
    if (text.empty()) {
      co_await process->changed.wait();
    } else {
      open = co_await process->child->write(text);
    }
  }
}

net::awaitable<void> Pool::State::bury(std::shared_ptr<State> state, std::shared_ptr<Process> process) {
  process->child->close_input();
  co_await process->child->stop(kGrace);
  process->child->close();
  --state->dying;
  state->changed.notify();
}

net::awaitable<void> Pool::State::limit(std::shared_ptr<State> state, std::shared_ptr<Request> request,
                                        std::chrono::nanoseconds time) {
  const auto until = Clock::now() + time;
  while (!request->ended && Clock::now() < until) co_await request->closed.wait(until - Clock::now());
  state->cancel(request, Call::kTimeout);
  const auto last = Clock::now() + kCancelTime;
  while (!request->over && Clock::now() < last) co_await request->closed.wait(last - Clock::now());
  const auto process = request->process.lock();
  if (process && !request->over) state->replace(process, "does not end what was cancelled", false);
}

net::awaitable<void> Pool::State::dispatch_later(std::shared_ptr<State> state) {
  while (!state->stopping && Clock::now() < state->not_before)
    co_await state->changed.wait(state->not_before - Clock::now());
  state->later = false;
  state->dispatch();
}

Pool::Pool(net::any_io_executor executor, const WorkerSpec& spec, base::Log& log)
    : state_(std::make_shared<State>(executor, spec, log)) {}

Pool::~Pool() { state_->shut(); }

std::unique_ptr<Call> Pool::call(Argv argv, std::string owner, int64_t timeout_ns) {
  State& pool = *state_;
  const uint64_t id = pool.next_id++;
  auto request = std::make_shared<Request>(pool.executor, id, request_line(id, argv, owner));
  const bool hopeless = pool.processes.empty() && pool.not_before - Clock::now() > kRefuseWait;
  if (!hopeless && !pool.stopping) {
    pool.waiting.push_back(request);
    pool.dispatch();
  }
  const bool too_many = pool.waiting.size() > pool.spec.queue;
  if (hopeless || pool.stopping || too_many) {
    if (too_many) pool.waiting.pop_back();
    pool.counts.waiting = static_cast<uint32_t>(pool.waiting.size());
    ++pool.counts.refused;
    return nullptr;
  }
  ++pool.counts.calls;
  const std::chrono::nanoseconds time(timeout_ns);
  net::co_spawn(pool.executor, State::limit(state_, request, time), process::rethrow);
  return std::make_unique<Pending>(state_, std::move(request));
}

net::awaitable<void> Pool::stop() {
  const auto state = state_;
  state->shut();
  while (state->dying != 0) co_await state->changed.wait();
}

const PoolCounts& Pool::counts() const { return state_->counts; }
const WorkerSpec& Pool::spec() const { return state_->spec; }

}  // namespace wl::wsbridge::worker
