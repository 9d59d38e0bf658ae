#pragma once
// Processes of our own: started without a shell, each pipeline in a process group of its own, ended as a
// group.
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "libcommon/base/error.h"
#include "libcommon/base/fd.h"
#include "libcommon/base/log.h"
#include "tools/wsbridge/process/event.h"

namespace wl::wsbridge::process {

using Argv = std::vector<std::string>;

/// Bytes of a pipe, a terminal, a socket, or a file (in small pieces). One reader at a time. I/O thread only.
class Input {
 public:
  explicit Input(Executor executor) : pollable_(executor) {}
  /// Once: from here they come.
  void open(base::Fd from);
  /// What is there right now, as far as it fills `into`; waits for the first. 0: end, or closed.
  awaitable<size_t> read_some(std::span<char> into);
  /// A waiting read_some() comes back.
  void close();

 private:
  asio::posix::stream_descriptor pollable_;
  base::Fd file_{};  // instead: it never makes us wait, and epoll does not take it
};

/// What a pipeline's ends are joined to.
struct Ends {
  bool write_input = false;  ///< a pipe to the first command; else /dev/null
  std::string name{};        ///< before its lines of stderr in the log
  int pipe_bytes = 0;        ///< room of its pipes, where the kernel allows it; 0: the usual
  std::string owner{};       ///< WIRELINE_OWNER in its environment; empty: none there
};

/// A running pipeline (often of one command); as Input the stdout of its last command. Whoever waits for one
/// of its coroutines holds it meanwhile. All on the I/O thread.
class Child : public Input, public std::enable_shared_from_this<Child> {
 public:
  /// When the last holder of the answer goes while it runs, the group gets SIGKILL. SIGPIPE must be ignored.
  [[nodiscard]] static base::Result<std::shared_ptr<Child>> start(Executor executor,
                                                                  std::span<const Argv> pipeline,
                                                                  const Ends& ends, base::Log& log);
  /// No process: reads `fd`, which it does not own.
  [[nodiscard]] static base::Result<std::shared_ptr<Child>> reading(Executor executor, int fd);
  /// start() and reading() make them.
  Child(Executor executor, std::string name, base::Log* log)
      : Input(executor), executor_(executor), name_(std::move(name)), log_(log) {}
  ~Child();

  /// All of `bytes` to stdin; false: it reads no more.
  awaitable<bool> write(std::string_view bytes);
  void close_input() {
    error_code ignored;
    in_.close(ignored);
  }
  /// Waits for the last command of the pipeline: its exit status, 128 + signal where one ended it.
  awaitable<int> wait();
  /// Ends its stdin if it has one, a moment later SIGTERM to the group, after `grace` SIGKILL, and waits
  /// until all of it is gone. Reading goes on meanwhile.
  awaitable<void> stop(std::chrono::milliseconds grace);

 private:
  awaitable<void> watch();
  awaitable<void> log_errors();
  void signal(int number) const;
  bool alive();

  Executor executor_;
  std::string name_;
  base::Log* log_;
  asio::posix::stream_descriptor in_{executor_}, gone_{executor_};  // a pidfd of the last command
  Input error_{executor_};
  Event changed_{executor_};
  pid_t group_ = 0, last_ = 0;  // 0: nothing of the group is left, and its number may be another's
  std::optional<int> status_{};
  bool ours_ = false;  // of the group are not only grandchildren left
  bool talking_ = true, stopping_ = false;
};

/// Takes lines out of bytes, several at a time, so that what follows works in batches. Memory: what one line
/// needs.
class Lines {
 public:
  static constexpr size_t kMaxLine = size_t{16} << 20;
  /// `cut`: the beginning of a line that is too long is a line. `raw`: lines do not matter, it gives what
  /// comes, so much at a time.
  enum class Mode : uint8_t { whole, cut, raw };
  explicit Lines(Input& input, size_t max_line = kMaxLine, Mode mode = Mode::whole)
      : input_(input), max_line_(max_line), mode_(mode) {}
  /// Calls `each` for every whole line that is there (a last line without '\n' counts), at least one, or none
  /// when a line became too long. False: the end. A line that is too long is left out and counted in
  /// `too_long()`. A line lives until `each` returns; ndjson::kPadding bytes behind it can be read.
  awaitable<bool> next(const std::function<void(std::string_view line)>& each);
  [[nodiscard]] uint64_t too_long() const { return too_long_; }

 private:
  size_t give(const std::function<void(std::string_view line)>& each, size_t scanned);
  void make_room();

  Input& input_;
  size_t max_line_;
  Mode mode_;
  std::unique_ptr<char[]> buffer_{};  // capacity_ + kPadding
  size_t capacity_ = 0;
  size_t size_ = 0;  // of what was read and not given, at the front
  bool skipping_ = false, ended_ = false;
  uint64_t too_long_ = 0;
};

/// "netsniff -i eth0 | netwindow --whole" as a pipeline: words, quotes and '|' as a shell has them, and
/// nothing else of a shell; what only a shell would do ($ ` ; & < > * ?) outside quotes is an error.
[[nodiscard]] base::Result<std::vector<Argv>> split_command(std::string_view text);

}  // namespace wl::wsbridge::process
