#include "tools/wsbridge/process/child.h"

#include <array>
#include <csignal>
#include <cstring>

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "libcommon/ndjson/reader.h"

namespace wl::wsbridge::process {

namespace {

constexpr size_t kUsual = size_t{256} << 10;
constexpr std::string_view kShell = "$`;&<>*?()\n";
constexpr std::string_view kEscaped = "\"\\$`";  // by \ between double quotes
constexpr size_t kMaxErrorLine = 4096;
constexpr std::chrono::seconds kLeftGrace{1};
constexpr std::chrono::milliseconds kFinish{200};    // from the end of stdin to SIGTERM
constexpr std::chrono::milliseconds kLook{10};       // between two looks whether a group is gone
constexpr std::chrono::milliseconds kLastWords{50};  // a process that left the group may hold stderr for ever

boost::system::system_error last_error() { return {errno, boost::system::system_category()}; }

/// Throws system_error.
struct Pipe {
  explicit Pipe(int bytes = 0) {
    std::array<int, 2> fds{};
    if (::pipe2(fds.data(), O_CLOEXEC) != 0) throw last_error();
    if (bytes != 0) (void)::fcntl(fds[0], F_SETPIPE_SZ, bytes);
    read.reset(fds[0]);
    write.reset(fds[1]);
  }
  base::Fd read, write;
};

/// Starts one command in `group` (0: a new one) with no signal blocked or ignored and no descriptor but
/// `to`, its first three (the first may be -1).
base::Result<pid_t> spawn_process(const Argv& argv, const std::array<int, 3>& to, pid_t group,
                                  const std::string& owner) {
  std::string own = "WIRELINE_OWNER=" + owner;
  std::vector<char*> words, environment;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!std::string_view(*entry).starts_with("WIRELINE_OWNER=")) environment.push_back(*entry);
  }
  if (!owner.empty()) environment.push_back(own.data());
  words.push_back(nullptr);
  environment.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  if (to[0] >= 0) posix_spawn_file_actions_adddup2(&actions, to[0], 0);
  posix_spawn_file_actions_adddup2(&actions, to[1], 1);
  posix_spawn_file_actions_adddup2(&actions, to[2], 2);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);  // Asio's sockets are not O_CLOEXEC
  posix_spawnattr_t attributes;
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, group);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  pid_t pid = -1;
  const int failed =
      ::posix_spawnp(&pid, words.front(), &actions, &attributes, words.data(), environment.data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failed != 0) return base::fail(argv.front() + ": " + base::errno_text(failed));
  return pid;
}

}  // namespace

void Input::open(base::Fd from) {
  error_code error;
  pollable_.assign(from.get(), error);
  if (error && error != asio::error::no_permission) throw boost::system::system_error(error);
  if (!error) return (void)from.release();
  file_ = std::move(from);
}

awaitable<size_t> Input::read_some(std::span<char> into) {
  if (file_) {
    co_await asio::post(pollable_.get_executor(), use_awaitable);  // others have their turn
    const ssize_t n = ::read(file_.get(), into.data(), std::min(into.size(), size_t{64} << 10));
    co_return n > 0 ? static_cast<size_t>(n) : 0;
  }
  error_code error;
  auto token = redirect_error(use_awaitable, error);
  const auto buffer = asio::buffer(into.data(), into.size());
  const size_t n = co_await pollable_.async_read_some(buffer, token);
  co_return n;
}

void Input::close() {
  error_code ignored;
  pollable_.close(ignored);
  file_.reset();
}

Child::~Child() {
  // Only where it did not start whole, or the I/O thread has stopped before it, are processes left here.
  signal(SIGKILL);
  while (group_ != 0 && ::waitpid(-group_, nullptr, 0) > 0) {
  }
}

void Child::signal(int number) const {
  if (group_ != 0) ::kill(-group_, number);
}

base::Result<std::shared_ptr<Child>> Child::start(Executor executor, std::span<const Argv> pipeline,
                                                  const Ends& ends, base::Log& log) try {
  ::signal(SIGCHLD, SIG_DFL);  // whoever started us may have it ignored: there would be no statuses
  const auto child = std::make_shared<Child>(executor, ends.name, &log);
  base::Fd input;
  Pipe errors;
  if (ends.write_input) {
    Pipe pipe;
    input = std::move(pipe.read);
    child->in_.assign(pipe.write.release());
  }
  for (const Argv& argv : pipeline) {
    Pipe output(ends.pipe_bytes);
    const auto pid =
        spawn_process(argv, {input.get(), output.write.get(), errors.write.get()}, child->group_, ends.owner);
    if (!pid) return std::unexpected(pid.error());
    child->last_ = *pid;
    if (child->group_ == 0) child->group_ = *pid;
    input = std::move(output.read);
  }
  const auto gone = static_cast<int>(::syscall(SYS_pidfd_open, child->last_, 0));
  if (gone < 0) throw last_error();
  child->gone_.assign(gone);
  child->error_.open(std::move(errors.read));
  child->open(std::move(input));
  spawn(executor, child, child->watch());
  spawn(executor, child, child->log_errors());
  // Those two have the object; whoever asked for it has this, and with the last of them the group goes.
  return std::shared_ptr<Child>(child.get(), [child](Child*) {
    child->signal(SIGKILL);
    child->close();
    child->close_input();
  });
} catch (const boost::system::system_error& error) {
  return base::fail(pipeline.front().front() + ": " + base::errno_text(error.code().value()));
}

base::Result<std::shared_ptr<Child>> Child::reading(Executor executor, int fd) {
  struct stat about{};
  const int failed = ::fstat(fd, &about) != 0 ? errno : S_ISDIR(about.st_mode) ? EISDIR : 0;
  if (failed != 0) return base::fail("standard input: " + base::errno_text(failed));
  base::Fd own;
  // Opened anew, so that only our reads do not wait, not those of others who share the pipe or terminal.
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  if (!S_ISREG(about.st_mode)) own.reset(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (!own) own.reset(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!own) return base::fail("standard input: " + base::errno_text(errno));
  auto child = std::make_shared<Child>(executor, "", nullptr);
  child->open(std::move(own));
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

awaitable<void> Child::watch() {
  error_code error;
  auto token = redirect_error(use_awaitable, error);
  co_await gone_.async_wait(asio::posix::stream_descriptor::wait_read, token);
  gone_.close(error);
  alive();
  changed_.notify();
  // With the last command the pipeline is over. Whoever is left of the group must not keep stdout open.
  if (!stopping_) co_await stop(kLeftGrace);
}

awaitable<void> Child::stop(std::chrono::milliseconds grace) {
  stopping_ = true;
  if (in_.is_open()) {  // what it was sent it may still finish
    close_input();
    co_await changed_.until([this] { return status_.has_value(); }, kFinish);
  }
  const auto until = Clock::now() + grace;
  signal(SIGTERM);
  while (alive()) {
    const bool late = Clock::now() >= until;
    if (late) signal(SIGKILL);
    if (late && !ours_) group_ = 0;  // whoever adopted the rest may never reap it
    if (group_ != 0) co_await changed_.wait(kLook);
  }
  co_await changed_.until([this] { return !talking_; }, kLastWords);
  error_.close();
  changed_.notify();
}

/// Its stderr into the log; of a long line the beginning.
awaitable<void> Child::log_errors() {
  Lines lines(error_, kMaxErrorLine, Lines::Mode::cut);
  const std::string before = name_.empty() ? "" : name_ + ": ";
  const std::function<void(std::string_view)> each = [this, &before](std::string_view line) {
    if (!line.empty()) log_->info(before + std::string(line));
  };
  for (bool more = true; more;) more = co_await lines.next(each);
  talking_ = false;
  changed_.notify();
}

awaitable<bool> Child::write(std::string_view bytes) {
  error_code error;
  auto token = redirect_error(use_awaitable, error);
  const auto buffer = asio::buffer(bytes.data(), bytes.size());
  co_await asio::async_write(in_, buffer, token);
  co_return !error;
}

awaitable<int> Child::wait() {
  co_await changed_.until([this] { return status_.has_value(); });
  co_return *status_;
}

void Lines::make_room() {
  const size_t usual = std::min(kUsual, max_line_ + 1);
  const bool long_before = capacity_ > usual && size_ < usual / 2;  // the long line is through
  if (capacity_ != 0 && size_ < capacity_ && !long_before) return;
  const size_t capacity = size_ < usual ? usual : std::min(capacity_ * 2, max_line_ + 1);
  auto buffer = std::make_unique_for_overwrite<char[]>(capacity + ndjson::kPadding);
  if (size_ != 0) std::memcpy(buffer.get(), buffer_.get(), size_);
  buffer_ = std::move(buffer);
  capacity_ = capacity;
}

/// Gives the lines that are there; no '\n' stands before `scanned`. Returns how many it gave or began to
/// skip.
size_t Lines::give(const std::function<void(std::string_view line)>& each, size_t scanned) {
  std::string_view rest(buffer_.get(), size_);
  size_t given = 0;
  for (size_t end = rest.find('\n', scanned); end != rest.npos; end = rest.find('\n')) {
    if (!std::exchange(skipping_, false)) {
      each(rest.substr(0, end));
      ++given;
    }
    rest.remove_prefix(end + 1);
  }
  if (rest.size() > max_line_ && !std::exchange(skipping_, true)) {
    if (mode_ == Mode::cut) each(rest.substr(0, max_line_));
    ++too_long_, ++given;
  }
  size_ = skipping_ ? 0 : rest.size();
  if (rest.data() != buffer_.get()) std::memmove(buffer_.get(), rest.data(), size_);
  return given;
}

awaitable<bool> Lines::next(const std::function<void(std::string_view line)>& each) {
  while (!ended_) {
    make_room();
    const size_t scanned = size_;
    const size_t n = co_await input_.read_some({buffer_.get() + size_, capacity_ - size_});
    size_ += n;
    ended_ = n == 0;
    if (mode_ == Mode::raw && !ended_) {
      each({buffer_.get(), std::exchange(size_, 0)});
      co_return true;
    }
    if (ended_ && size_ != 0) buffer_[size_++] = '\n';
    if (give(each, scanned) != 0) co_return true;
  }
  co_return false;
}

base::Result<std::vector<Argv>> split_command(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  std::vector<Argv> commands(1);
  std::optional<std::string> word;  // that is being read
  char quote = 0;                   // that is open
  const auto end_word = [&] {
    if (word) commands.back().push_back(*std::exchange(word, std::nullopt));
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool special = quote == 0 ? kShell.contains(c) || (!word && (c == '#' || c == '~'))
                                    : quote == '"' && (c == '$' || c == '`');
    if (c == '\0' || special) {
      return base::fail(
          (c == '\n' ? "a new line" : std::string(1, c)) + " has no meaning here, no shell runs this",
          "put it between single quotes, or write: sh -c '…'");
    }
    if (c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == ' ' || c == '\t')) {
      end_word();
    } else if (quote == 0 && c == '|') {
      end_word();
      if (commands.back().empty()) return base::fail("a command is missing before |");
      commands.emplace_back();
    } else {
      if (!word) word.emplace();
      const bool opens = quote == 0 && (c == '\'' || c == '"');
      const std::string_view behind = text.substr(i + 1, 1);
      const bool escapes = c == '\\' && (quote == 0 || (quote == '"' && kEscaped.contains(behind)));
      if (escapes && (behind.empty() || behind[0] == '\0')) return base::fail("nothing stands behind \\");
      if (opens) quote = c;
      if (!opens) *word += escapes ? text[++i] : c;
    }
  }
  if (quote != 0) return base::fail(std::string("a quote ") + quote + " has no end");
  end_word();
  if (commands.back().empty()) return base::fail("a command is missing");
  return commands;
}

}  // namespace wl::wsbridge::process
