#include "tools/wsbridge/process/child.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <map>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tools/wsbridge/process/event.h"

namespace wl::wsbridge::process {

namespace net = boost::asio;
using boost::system::error_code;
using Descriptor = net::posix::stream_descriptor;
using Clock = std::chrono::steady_clock;

namespace {

constexpr size_t kMaxErrorLine = 4096;
/// A process that left the group may hold stderr open for ever: of what it says after our end no more is
/// read.
constexpr int kLastReads = 16;

constexpr std::chrono::seconds kLeftGrace{1};

struct Pipe {
  base::Fd read, write;
};

base::Result<Pipe> make_pipe(int bytes) {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC) != 0) return base::fail("pipe: " + base::errno_text(errno));
  if (bytes != 0) (void)::fcntl(fds[0], F_SETPIPE_SZ, bytes);
  return Pipe{base::Fd(fds[0]), base::Fd(fds[1])};
}

struct Redirections {
  int in, out, err;
};

/// Our environment, with another owner.
std::vector<std::string> environment_for(const std::string& owner) {
  constexpr std::string_view kName = "WIRELINE_OWNER=";
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!std::string_view(*entry).starts_with(kName)) all.emplace_back(*entry);
  }
  if (!owner.empty()) all.push_back(std::string(kName) + owner);
  return all;
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> all;
  for (const std::string& word : words) all.push_back(const_cast<char*>(word.c_str()));
  all.push_back(nullptr);
  return all;
}

/// Starts one command in `group` (0: a new one) with no signal blocked or ignored and no descriptor but
/// three.
base::Result<pid_t> spawn(const Argv& argv, const Redirections& to, pid_t group, const std::string& owner) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawn_file_actions_init(&actions);
  if (to.in < 0) posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  if (to.in >= 0) posix_spawn_file_actions_adddup2(&actions, to.in, 0);
  posix_spawn_file_actions_adddup2(&actions, to.out, 1);
  posix_spawn_file_actions_adddup2(&actions, to.err, 2);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);  // Asio's sockets are not O_CLOEXEC
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, group);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  const std::vector<std::string> environment = environment_for(owner);
  pid_t pid = -1;
  const int failed = ::posix_spawnp(&pid, argv.front().c_str(), &actions, &attributes, pointers(argv).data(),
                                    pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failed != 0) return base::fail(argv.front() + ": " + base::errno_text(failed));
  return pid;
}

int status_of(const siginfo_t& info) {
  return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

}  // namespace

struct Child::State {
  struct Process {
    pid_t pid;
    Descriptor gone;  // a pidfd
    Descriptor error;
    std::optional<int> status{};
  };

  State(net::any_io_executor io, const Ends& ends, base::Log& log_)
      : executor(io), in(io), out(io), changed(io), name(ends.name), log(log_) {}
  ~State() {
    // Only where the I/O thread has stopped before them are processes left here.
    if (!leader_reaped) kill_group(SIGKILL);
    for (const Process& process : processes) {
      if (!process.status || (&process == &processes.front() && !leader_reaped))
        ::waitpid(process.pid, nullptr, 0);
    }
  }

  void kill_group(int signal) const {
    if (!processes.empty() && !leader_reaped) ::kill(-processes.front().pid, signal);
  }
  [[nodiscard]] bool all_ended() const {
    return std::ranges::all_of(processes, [](const Process& process) { return process.status.has_value(); });
  }
  [[nodiscard]] bool over() const { return abandoned && all_ended(); }
  void reap_leader() {
    if (!std::exchange(leader_reaped, true)) ::waitpid(processes.front().pid, nullptr, 0);
    changed.notify();
  }
  void leave_errors() {
    error_code ignored;
    for (Process& process : processes) process.error.cancel(ignored);
  }
  /// The first one stays a zombie until all is over: so long its group's number belongs to nobody else.
  void take_status(size_t index) {
    siginfo_t info{};
    Process& process = processes[index];
    ::waitid(P_PID, static_cast<id_t>(process.pid), &info, WEXITED | (index == 0 ? WNOWAIT : 0));
    process.status = status_of(info);
    if (over()) reap_leader();
    changed.notify();
  }

  net::any_io_executor executor;
  std::vector<Process> processes{};
  Descriptor in, out;
  Event changed;
  std::string name;
  base::Log& log;
  size_t talking = 0;          // stderrs that are still read
  bool abandoned = false;      // the Child is gone
  bool leader_reaped = false;  // the group's number may be another's
  bool stopped = false;

  base::Result<void> launch(std::span<const Argv> pipeline, const Ends& ends);
  static net::awaitable<void> watch(std::shared_ptr<State> state, size_t index);
  static net::awaitable<void> log_errors(std::shared_ptr<State> state, size_t index);
  void log_lines(std::string& kept, std::string_view bytes);
};

net::awaitable<void> Child::State::watch(std::shared_ptr<State> state, size_t index) {
  error_code error;
  auto token = net::redirect_error(net::use_awaitable, error);
  co_await state->processes[index].gone.async_wait(Descriptor::wait_read, token);
  state->processes[index].gone.close(error);
  state->take_status(index);
  // Its last words are in the pipe already: they are read, and nobody is waited for who may still hold it.
  if (state->over()) state->leave_errors();
  if (index + 1 != state->processes.size()) co_return;
  // With the last command the pipeline is over. Whoever is left of the group must not keep stdout open.
  const auto until = Clock::now() + kLeftGrace;
  state->kill_group(SIGTERM);
  while (!state->leader_reaped && Clock::now() < until) co_await state->changed.wait(until - Clock::now());
  state->kill_group(SIGKILL);
}

/// Whole lines of `kept` and `bytes` go to the log; of a long one its beginning. Empty bytes: the end.
void Child::State::log_lines(std::string& kept, std::string_view bytes) {
  const bool end = bytes.empty();
  while (!bytes.empty() || (end && !kept.empty())) {
    const size_t line = std::min(bytes.find('\n'), bytes.size());
    if (kept.size() < kMaxErrorLine)
      kept.append(bytes.substr(0, std::min(line, kMaxErrorLine - kept.size())));
    if (line < bytes.size() || end) {
      if (!kept.empty()) log.info(name.empty() ? kept : name + ": " + kept);
      kept.clear();
    }
    bytes.remove_prefix(std::min(line + 1, bytes.size()));
  }
}

net::awaitable<void> Child::State::log_errors(std::shared_ptr<State> state, size_t index) {
  Descriptor& from = state->processes[index].error;
  std::array<char, 4096> bytes;
  std::string kept;
  error_code error;
  auto token = net::redirect_error(net::use_awaitable, error);
  const auto buffer = net::buffer(bytes);
  while (!error && !state->over()) {
    const size_t n = co_await from.async_read_some(buffer, token);
    if (n != 0) state->log_lines(kept, {bytes.data(), n});
  }
  for (int i = 0; i < kLastReads; ++i) {
    const ssize_t n = ::read(from.native_handle(), bytes.data(), bytes.size());
    if (n <= 0) break;
    state->log_lines(kept, {bytes.data(), static_cast<size_t>(n)});
  }
  state->log_lines(kept, {});
  from.close(error);
  --state->talking;
  state->changed.notify();
}

base::Result<void> Child::State::launch(std::span<const Argv> pipeline, const Ends& ends) {
  base::Fd input;
  if (ends.write_input) {
    auto pipe = make_pipe(0);
    if (!pipe) return std::unexpected(pipe.error());
    input = std::move(pipe->read);
    in.assign(pipe->write.release());
  }
  for (const Argv& argv : pipeline) {
    auto output = make_pipe(ends.pipe_bytes);
    if (!output) return std::unexpected(output.error());
    auto errors = make_pipe(0);
    if (!errors) return std::unexpected(errors.error());
    const pid_t group = processes.empty() ? 0 : processes.front().pid;
    const auto pid = spawn(argv, {input.get(), output->write.get(), errors->write.get()}, group, ends.owner);
    if (!pid) return std::unexpected(pid.error());
    processes.push_back({*pid, Descriptor(executor), Descriptor(executor)});
    base::Fd gone(static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0)));
    if (!gone) return base::fail(argv.front() + ": " + base::errno_text(errno));
    processes.back().gone.assign(gone.release());
    processes.back().error.assign(errors->read.release());
    processes.back().error.non_blocking(true);
    input = std::move(output->read);
  }
  out.assign(input.release());
  return {};
}

base::Result<std::unique_ptr<Child>> Child::start(net::any_io_executor executor,
                                                  std::span<const Argv> pipeline, const Ends& ends,
                                                  base::Log& log) {
  ::signal(SIGCHLD, SIG_DFL);  // whoever started us may have it ignored: there would be no statuses
  auto state = std::make_shared<State>(executor, ends, log);
  state->processes.reserve(pipeline.size());  // coroutines hold on to them
  try {
    if (auto launched = state->launch(pipeline, ends); !launched) return std::unexpected(launched.error());
  } catch (const boost::system::system_error& error) {
    return base::fail(pipeline.front().front() + ": " + error.code().message());
  }
  state->talking = pipeline.size();
  for (size_t i = 0; i < pipeline.size(); ++i) {
    net::co_spawn(executor, State::watch(state, i), net::detached);
    net::co_spawn(executor, State::log_errors(state, i), net::detached);
  }
  return std::unique_ptr<Child>(new Child(std::move(state)));
}

Child::Child(std::shared_ptr<State> state) : state_(std::move(state)) {}

Child::~Child() {
  error_code ignored;
  state_->kill_group(SIGKILL);
  state_->abandoned = true;
  state_->out.close(ignored);
  state_->in.close(ignored);
  if (!state_->all_ended()) return;  // watch() does the rest
  state_->reap_leader();
  state_->leave_errors();
}

net::awaitable<size_t> Child::read_some(std::span<char> into) {
  const auto state = state_;
  error_code error;
  auto token = net::redirect_error(net::use_awaitable, error);
  const auto buffer = net::buffer(into.data(), into.size());
  const size_t n = co_await state->out.async_read_some(buffer, token);
  co_return n;
}

void Child::close() {
  error_code ignored;
  state_->out.close(ignored);
}

net::awaitable<bool> Child::write(std::string_view bytes) {
  const auto state = state_;
  error_code error;
  auto token = net::redirect_error(net::use_awaitable, error);
  const auto buffer = net::buffer(bytes.data(), bytes.size());
  co_await net::async_write(state->in, buffer, token);
  co_return !error;
}

void Child::close_input() {
  error_code ignored;
  state_->in.close(ignored);
}

net::awaitable<int> Child::wait() {
  const auto state = state_;
  while (!state->processes.back().status) co_await state->changed.wait();
  co_return *state->processes.back().status;
}

net::awaitable<void> Child::stop(std::chrono::milliseconds grace) {
  constexpr std::chrono::milliseconds kLook{10};
  const auto state = state_;
  const auto until = Clock::now() + grace;
  state->kill_group(SIGTERM);
  while (!state->all_ended() && Clock::now() < until) co_await state->changed.wait(until - Clock::now());
  if (!state->all_ended()) state->kill_group(SIGKILL);
  while (!state->all_ended() || (state->leader_reaped && !state->stopped)) co_await state->changed.wait();
  if (state->stopped) co_return;
  state->reap_leader();
  // Grandchildren: while one is left, the number of the group stays theirs.
  const pid_t group = -state->processes.front().pid;
  const auto left = [group] {
    while (::waitpid(group, nullptr, WNOHANG) >
           0) {  // where we are process 1 of a container they are ours to reap
    }
    return ::kill(group, 0) == 0;
  };
  while (left() && Clock::now() < until) co_await state->changed.wait(kLook);
  if (left()) ::kill(group, SIGKILL);
  if (state->talking != 0) co_await state->changed.wait(kLook);  // last words
  state->stopped = true;
  state->changed.notify();
}

int Child::pid() const { return state_->processes.front().pid; }

}  // namespace wl::wsbridge::process
