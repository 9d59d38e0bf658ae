#pragma once
// Coprocesses that answer requests (the lines between us and them: DESIGN, section 6), and commands that
// answer one: both give a Call.
#include <deque>

#include "libcommon/ndjson/fields.h"
#include "tools/wsbridge/process/child.h"
#include "tools/wsbridge/profile/profile.h"

namespace wl::wsbridge::worker {

/// {"id":"7","argv":["packets","--limit=5"],"owner":"3"}; without an owner when there is none.
[[nodiscard]] std::string request_line(uint64_t id, const Argv& argv, const std::string& owner);
/// {"id":"7","cancel":true}
[[nodiscard]] std::string cancel_line(uint64_t id);

/// A line of a worker.
struct Answer {
  uint64_t id = 0;
  std::string_view record{};  ///< a JSON object, as it stands in the line; empty: none
  bool end = false;
  int status = 0;  ///< 0 to 3
};

/// What read_answer() looks for.
[[nodiscard]] ndjson::Fields answer_fields();
/// Nothing: it is no answer. ndjson::kPadding bytes behind `line` can be read.
[[nodiscard]] std::optional<Answer> read_answer(std::string_view line, ndjson::Fields& fields);

struct Request;
struct Process;

/// A request on its way. Destroyed before its end: it is cancelled. I/O thread only.
class Call {
 public:
  explicit Call(std::shared_ptr<Request> request) : request_(std::move(request)) {}
  ~Call() { cancel(); }
  /// The next record as JSON text; nothing: the end.
  awaitable<std::optional<std::string>> next();
  /// Nobody wants it any more: next() comes back soon with the end, status kLost.
  void cancel();
  /// After the end: 0 done, 1 failed, 2 usage, 3 not there; kTimeout, kLost.
  [[nodiscard]] int status() const;
  static constexpr int kTimeout = -1;  ///< took longer than allowed
  static constexpr int kLost = -2;     ///< its process died, or answered what is no answer

 private:
  std::shared_ptr<Request> request_;
};

struct PoolCounts {
  uint64_t calls = 0, failed = 0, timeouts = 0, refused = 0, restarts = 0;
  uint64_t busy = 0, waiting = 0;
};

/// The processes of a WorkerSpec. They are started when they are first needed, and replaced when they die,
/// write what is no answer, or do not end within 2 s what was cancelled. Of records that nobody takes about 1
/// MiB is held for a call; then its process is not read, so that with a concurrency above 1 its other calls
/// wait too. Held by shared_ptr; once it was called, it lives until stop(), or as long as the loop.
class Pool : public std::enable_shared_from_this<Pool> {
 public:
  Pool(Executor executor, const WorkerSpec& spec, base::Log& log)
      : executor_(executor), spec_(spec), log_(log) {}
  /// Null: the queue is full, or the processes die again and again (503; come back in a second). `timeout_ns`
  /// runs from here to the end.
  [[nodiscard]] std::unique_ptr<Call> call(Argv argv, std::string owner, int64_t timeout_ns);
  /// Calls that run are lost; returns when all processes are gone.
  awaitable<void> stop();
  [[nodiscard]] PoolCounts counts() const;
  [[nodiscard]] const WorkerSpec& spec() const { return spec_; }

 private:
  void dispatch();
  [[nodiscard]] std::shared_ptr<Process> free_process();
  [[nodiscard]] std::shared_ptr<Process> start_process();
  [[nodiscard]] std::string take(Process& process, std::string_view line);
  void replace(std::shared_ptr<Process> process, const std::string& why);
  void wait_longer();
  void run(awaitable<void> work) { process::spawn(executor_, shared_from_this(), std::move(work)); }
  awaitable<void> read(std::shared_ptr<Process> process);
  awaitable<void> bury(std::shared_ptr<Process> process);
  awaitable<void> supervise(std::shared_ptr<Request> request, std::chrono::nanoseconds time);
  awaitable<void> dispatch_after(std::chrono::nanoseconds pause);

  Executor executor_;
  WorkerSpec spec_;
  base::Log& log_;
  process::Event changed_{executor_};
  PoolCounts counts_{};
  uint64_t next_id_ = 1;
  std::vector<std::shared_ptr<Process>> processes_{};
  std::deque<std::shared_ptr<Request>> waiting_{};
  size_t dying_ = 0;
  process::Clock::time_point not_before_{};  // no process is started until then
  std::chrono::nanoseconds delay_{};         // after the next failure
  bool stopping_ = false;
  ndjson::Fields fields_ = answer_fields();
};

/// A command run for one request; its stdout lines are the records (kLost when one is no JSON object), its
/// exit status the status. `raw`: its stdout comes as it is, in pieces. It has the owner as WIRELINE_OWNER.
[[nodiscard]] base::Result<std::unique_ptr<Call>> run_command(Executor executor, const Argv& argv,
                                                              const std::string& owner, int64_t timeout_ns,
                                                              bool raw, base::Log& log);

}  // namespace wl::wsbridge::worker
