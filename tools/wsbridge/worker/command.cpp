#include <chrono>
#include <deque>

#include <boost/asio/co_spawn.hpp>

#include "libcommon/ndjson/fields.h"
#include "tools/wsbridge/process/child.h"
#include "tools/wsbridge/process/event.h"
#include "tools/wsbridge/worker/pool.h"

namespace wl::wsbridge::worker {

namespace net = boost::asio;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto kGrace = 2s;  // between SIGTERM and SIGKILL
constexpr size_t kPiece = size_t{64} << 10;

struct Run {
  Run(net::any_io_executor executor, std::unique_ptr<process::Child> child_, std::string name_,
      base::Log& log_)
      : child(std::move(child_)), lines(*child), closed(executor), name(std::move(name_)), log(log_) {}
  void end(int how) {
    if (std::exchange(ended, true)) return;
    status = how;
    child->close();  // next() comes back
    closed.notify();
  }
  void take(std::string_view line) {
    if (ended) return;
    if (fields.read(line)) return void(records.emplace_back(line));
    log.error(name + ": expected a JSON object for each line");
    end(Call::kLost);
  }

  std::unique_ptr<process::Child> child;
  process::Lines lines;
  process::Event closed;
  std::string name;
  base::Log& log;
  ndjson::Fields fields{{}};
  std::deque<std::string> records{};
  bool ended = false;
  int status = Call::kLost;
};

int status_of_exit(int exit) { return exit > 128 ? Call::kLost : exit > 3 ? 1 : exit; }

net::awaitable<void> limit(std::shared_ptr<Run> run, std::chrono::nanoseconds time) {
  const auto until = Clock::now() + time;
  while (!run->ended && Clock::now() < until) co_await run->closed.wait(until - Clock::now());
  run->end(Call::kTimeout);
  co_await run->child->stop(kGrace);
}

/// The next piece of what it writes; empty: the end.
net::awaitable<std::string> piece(std::shared_ptr<Run> run) {
  std::string bytes(kPiece, '\0');
  const size_t n = co_await run->child->read_some(bytes);
  bytes.resize(n);
  co_return bytes;
}

class CommandCall final : public Call {
 public:
  CommandCall(std::shared_ptr<Run> run, bool raw) : run_(std::move(run)), raw_(raw) {}
  ~CommandCall() override { cancel(); }

  net::awaitable<std::optional<std::string>> next() override {
    const auto run = run_;
    Run* const own = run.get();
    const std::function<void(std::string_view)> each = [own](std::string_view line) { own->take(line); };
    for (bool more = true; more && run->records.empty() && !run->ended;) {
      if (raw_) {
        std::string bytes = co_await piece(run);
        more = !bytes.empty();
        if (more) run->records.push_back(std::move(bytes));
      } else {
        more = co_await run->lines.next(each);
        if (run->lines.too_long() != 0) run->end(kLost);
      }
      if (more || run->ended) continue;
      const int exit = co_await run->child->wait();
      run->end(status_of_exit(exit));
    }
    std::optional<std::string> record;
    if (!run->records.empty()) {
      record = std::move(run->records.front());
      run->records.pop_front();
    }
    co_return record;
  }
  void cancel() override { run_->end(kLost); }
  [[nodiscard]] int status() const override { return run_->status; }

 private:
  std::shared_ptr<Run> run_;
  bool raw_;
};

}  // namespace

base::Result<std::unique_ptr<Call>> run_command(net::any_io_executor executor, const Argv& argv,
                                                const std::string& owner, int64_t timeout_ns, bool raw,
                                                base::Log& log) {
  const process::Ends ends{.name = argv.front(), .owner = owner};
  auto child = process::Child::start(executor, std::span(&argv, 1), ends, log);
  if (!child) return std::unexpected(child.error());
  auto run = std::make_shared<Run>(executor, std::move(*child), argv.front(), log);
  const std::chrono::nanoseconds time(timeout_ns);
  net::co_spawn(executor, limit(run, time), process::rethrow);
  return std::make_unique<CommandCall>(std::move(run), raw);
}

}  // namespace wl::wsbridge::worker
