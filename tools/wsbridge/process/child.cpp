#include "tools/wsbridge/process/child.h"

#include <array>
#include <csignal>

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace wl::wsbridge::process {

namespace net = boost::asio;
using boost::system::error_code;
using Descriptor = net::posix::stream_descriptor;

namespace {

constexpr size_t kMaxErrorLine = 4096;
/// A process that left the group may hold stderr open for ever: of what it says after our end no more is
/// read.
constexpr int kLastReads = 16;
constexpr std::chrono::seconds kLeftGrace{1};
constexpr std::chrono::milliseconds kFinish{200};
constexpr std::chrono::milliseconds kLook{10};  // between two looks whether a group is gone

struct Pipe {
  explicit Pipe(int bytes = 0) {
    std::array<int, 2> fds{};
    if (::pipe2(fds.data(), O_CLOEXEC) != 0)
      throw boost::system::system_error(errno, boost::system::system_category());
    if (bytes != 0) (void)::fcntl(fds[0], F_SETPIPE_SZ, bytes);
    read.reset(fds[0]);
    write.reset(fds[1]);
  }
  base::Fd read, write;
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
/// `to`, its first three (the first may be -1).
base::Result<pid_t> spawn_process(const Argv& argv, const std::array<int, 3>& to, pid_t group,
                                  const std::string& owner) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  for (int i = 0; i < 3; ++i) {
    if (to[static_cast<size_t>(i)] >= 0)
      posix_spawn_file_actions_adddup2(&actions, to[static_cast<size_t>(i)], i);
  }
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

}  // namespace

Child::Child(net::any_io_executor executor, const Ends& ends, base::Log* log)
    : executor_(executor),
      ends_(ends),
      log_(log),
      in_(executor),
      out_(executor),
      error_(executor),
      last_gone_(executor),
      changed_(executor) {}

Child::~Child() {
  // Only where it did not start whole, or the I/O thread has stopped before it, are processes left here.
  signal(SIGKILL);
  while (group_ != 0 && ::waitpid(-group_, nullptr, 0) > 0) {
  }
}

void Child::signal(int number) const {
  if (group_ != 0) ::kill(-group_, number);
}

base::Result<void> Child::launch(std::span<const Argv> pipeline) {
  base::Fd input;
  Pipe errors;
  if (ends_.write_input) {
    Pipe pipe;
    input = std::move(pipe.read);
    in_.assign(pipe.write.release());
  }
  for (const Argv& argv : pipeline) {
    Pipe output(ends_.pipe_bytes);
    const auto pid =
        spawn_process(argv, {input.get(), output.write.get(), errors.write.get()}, group_, ends_.owner);
    if (!pid) return std::unexpected(pid.error());
    last_ = *pid;
    if (group_ == 0) group_ = last_;
    input = std::move(output.read);
  }
  base::Fd gone(static_cast<int>(::syscall(SYS_pidfd_open, last_, 0)));
  if (!gone) return base::fail(pipeline.back().front() + ": " + base::errno_text(errno));
  last_gone_.assign(gone.release());
  error_.assign(errors.read.release());
  error_.non_blocking(true);
  out_.assign(input.release());
  return {};
}

base::Result<std::shared_ptr<Child>> Child::start(net::any_io_executor executor,
                                                  std::span<const Argv> pipeline, const Ends& ends,
                                                  base::Log& log) {
  ::signal(SIGCHLD, SIG_DFL);  // whoever started us may have it ignored: there would be no statuses
  const auto child = std::make_shared<Child>(executor, ends, &log);
  try {
    if (auto launched = child->launch(pipeline); !launched) return std::unexpected(launched.error());
  } catch (const boost::system::system_error& error) {
    return base::fail(pipeline.front().front() + ": " + base::errno_text(error.code().value()));
  }
  spawn(executor, child, child->watch());
  spawn(executor, child, child->log_errors());
  // Those two have the object; whoever asked for it has this, and with the last of them the group goes.
  return std::shared_ptr<Child>(child.get(), [child](Child*) {
    child->signal(SIGKILL);
    child->close();
    child->close_input();
  });
}

base::Result<std::shared_ptr<Child>> Child::reading(net::any_io_executor executor, int fd) {
  struct stat about{};
  const int failed = ::fstat(fd, &about) != 0 ? errno : S_ISDIR(about.st_mode) ? EISDIR : 0;
  if (failed != 0) return base::fail("standard input: " + base::errno_text(failed));
  base::Fd own;
  // Opened anew, so that only our reads do not wait, not those of others who share the pipe or terminal.
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  if (!S_ISREG(about.st_mode)) own.reset(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (!own) own.reset(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!own) return base::fail("standard input: " + base::errno_text(errno));
  auto child = std::make_shared<Child>(executor, Ends{}, nullptr);
  error_code not_pollable;
  child->out_.assign(own.get(), not_pollable);
  if (not_pollable) child->file_ = std::move(own);
  (void)own.release();
  child->status_ = 0;
  child->talking_ = false;
  return child;
}

/// Reaps what has ended of the group; false: nothing of it is left.
bool Child::alive() {
  int status = 0;
  pid_t pid = -1;
  while (group_ != 0 && (pid = ::waitpid(-group_, &status, WNOHANG)) > 0) {
    if (pid == last_) status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  ours_ = pid == 0;
  // While anybody is left, a zombie of ours too, the number of the group stays theirs.
  if (group_ != 0 && !ours_ && ::kill(-group_, 0) != 0) group_ = 0;
  return group_ != 0;
}

net::awaitable<void> Child::watch() {
  error_code error;
  auto token = net::redirect_error(net::use_awaitable, error);
  co_await last_gone_.async_wait(Descriptor::wait_read, token);
  last_gone_.close(error);
  alive();
  changed_.notify();
  // With the last command the pipeline is over. Whoever is left of the group must not keep stdout open.
  if (!stopping_) co_await stop(kLeftGrace);
}

net::awaitable<void> Child::stop(std::chrono::milliseconds grace) {
  const auto self = shared_from_this();
  const auto until = Clock::now() + grace;
  stopping_ = true;
  if (in_.is_open()) {  // what it was sent it may still finish
    close_input();
    co_await changed_.until([this] { return status_.has_value(); }, kFinish);
  }
  signal(SIGTERM);
  while (alive()) {
    const bool late = Clock::now() >= until;
    if (late) signal(SIGKILL);
    if (late && !ours_) group_ = 0;  // whoever adopted the rest may never reap it
    if (group_ != 0) co_await changed_.wait(kLook);
  }
  // Its last words are in the pipe already: nobody is waited for who may still hold it.
  error_code ignored;
  error_.cancel(ignored);
  co_await changed_.until([this] { return !talking_; }, kLook);
  changed_.notify();
}

/// Whole lines of `kept` and `bytes` go to the log; of a long one its beginning. Empty bytes: the end.
void Child::log_lines(std::string& kept, std::string_view bytes) {
  const bool end = bytes.empty();
  while (!bytes.empty() || (end && !kept.empty())) {
    const size_t line = std::min(bytes.find('\n'), bytes.size());
    kept.append(bytes.substr(0, std::min(line, kMaxErrorLine - kept.size())));
    if (line < bytes.size() || end) {
      if (!kept.empty()) log_->info(ends_.name.empty() ? kept : ends_.name + ": " + kept);
      kept.clear();
    }
    bytes.remove_prefix(std::min(line + 1, bytes.size()));
  }
}

net::awaitable<void> Child::log_errors() {
  std::array<char, 4096> bytes;
  std::string kept;
  error_code error;
  auto token = net::redirect_error(net::use_awaitable, error);
  const auto buffer = net::buffer(bytes);
  while (!error && group_ != 0) {
    const size_t n = co_await error_.async_read_some(buffer, token);
    if (n != 0) log_lines(kept, {bytes.data(), n});
  }
  error.clear();
  for (int i = 0; i < kLastReads && !error; ++i) {
    if (const size_t n = error_.read_some(buffer, error); n != 0) log_lines(kept, {bytes.data(), n});
  }
  log_lines(kept, {});
  error_.close(error);
  talking_ = false;
  changed_.notify();
}

net::awaitable<size_t> Child::read_some(std::span<char> into) {
  if (file_) {
    co_await net::post(executor_, net::use_awaitable);  // others have their turn between two pieces
    const ssize_t n = ::read(file_.get(), into.data(), std::min(into.size(), size_t{64} << 10));
    co_return n > 0 ? static_cast<size_t>(n) : 0;
  }
  error_code error;
  auto token = net::redirect_error(net::use_awaitable, error);
  const auto buffer = net::buffer(into.data(), into.size());
  const size_t n = co_await out_.async_read_some(buffer, token);
  co_return n;
}

void Child::close() {
  error_code ignored;
  out_.close(ignored);
  file_.reset();
}

net::awaitable<bool> Child::write(std::string_view bytes) {
  const auto self = shared_from_this();
  error_code error;
  auto token = net::redirect_error(net::use_awaitable, error);
  const auto buffer = net::buffer(bytes.data(), bytes.size());
  co_await net::async_write(in_, buffer, token);
  co_return !error;
}

void Child::close_input() {
  error_code ignored;
  in_.close(ignored);
}

net::awaitable<int> Child::wait() {
  const auto self = shared_from_this();
  co_await changed_.until([this] { return status_.has_value(); });
  co_return *status_;
}

}  // namespace wl::wsbridge::process
