#pragma once
// Processes of our own: started without a shell, each pipeline in a process group of its own, ended as a
// group.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/posix/stream_descriptor.hpp>

#include "libcommon/base/error.h"
#include "libcommon/base/fd.h"
#include "libcommon/base/log.h"
#include "tools/wsbridge/process/event.h"

namespace wl::wsbridge::process {

using Argv = std::vector<std::string>;

/// What a pipeline's ends are joined to.
struct Ends {
  bool write_input = false;  ///< a pipe to the first command; else /dev/null
  std::string name{};        ///< before its lines of stderr in the log
  int pipe_bytes = 0;        ///< room of its pipes, where the kernel allows it; 0: the usual
  std::string owner{};       ///< WIRELINE_OWNER in its environment; empty: none there
};

/// A running pipeline (often of one command), or an input that was given to us. All on the I/O thread.
class Child : public std::enable_shared_from_this<Child> {
 public:
  /// When the last holder of the answer goes while it runs, the group gets SIGKILL. SIGPIPE must be ignored.
  [[nodiscard]] static base::Result<std::shared_ptr<Child>> start(boost::asio::any_io_executor executor,
                                                                  std::span<const Argv> pipeline,
                                                                  const Ends& ends, base::Log& log);
  /// No process: reads `fd`, which it does not own: a pipe, a terminal, a socket, or a file (in small
  /// pieces).
  [[nodiscard]] static base::Result<std::shared_ptr<Child>> reading(boost::asio::any_io_executor executor,
                                                                    int fd);
  /// start() and reading() make them.
  Child(boost::asio::any_io_executor executor, const Ends& ends, base::Log* log);
  ~Child();

  /// From stdout of the last command: what is there right now, as far as it fills `into`; waits for the
  /// first. 0: end, or closed. One reader at a time.
  boost::asio::awaitable<size_t> read_some(std::span<char> into);
  /// A waiting read_some() comes back.
  void close();
  /// All of `bytes` to stdin; false: it reads no more.
  boost::asio::awaitable<bool> write(std::string_view bytes);
  void close_input();
  /// Waits for the last command of the pipeline: its exit status, 128 + signal where one ended it.
  boost::asio::awaitable<int> wait();
  /// Ends its stdin if it has one, a moment later SIGTERM to the group, after `grace` SIGKILL, and waits
  /// until all of it is gone. Reading goes on meanwhile.
  boost::asio::awaitable<void> stop(std::chrono::milliseconds grace);

 private:
  [[nodiscard]] base::Result<void> launch(std::span<const Argv> pipeline);
  boost::asio::awaitable<void> watch();
  boost::asio::awaitable<void> log_errors();
  void log_lines(std::string& kept, std::string_view bytes);
  void signal(int number) const;
  bool alive();

  boost::asio::any_io_executor executor_;
  Ends ends_;
  base::Log* log_;
  boost::asio::posix::stream_descriptor in_, out_, error_, last_gone_;  // the last is a pidfd
  base::Fd file_{};  // instead of out_: it never makes us wait, and epoll does not take it
  Event changed_;
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
  explicit Lines(Child& input) : input_(input) {}
  /// Calls `each` for every whole line that is there (a last line without '\n' counts), at least one, or none
  /// when a line became too long. False: the end. A line longer than kMaxLine is left out and counted in
  /// `too_long()`. A line lives until `each` returns; ndjson::kPadding bytes behind it can be read.
  boost::asio::awaitable<bool> next(const std::function<void(std::string_view line)>& each);
  [[nodiscard]] uint64_t too_long() const { return too_long_; }

 private:
  size_t give(const std::function<void(std::string_view line)>& each, size_t scanned);
  void make_room();

  Child& input_;
  std::unique_ptr<char[]> buffer_{};  // capacity_ + kPadding
  size_t capacity_ = 0;
  size_t size_ = 0;  // of what was read and not given, at the front
  bool skipping_ = false;
  bool ended_ = false;
  uint64_t too_long_ = 0;
};

/// "netsniff -i eth0 | netwindow --whole" as a pipeline: words, quotes and '|' as a shell has them, and
/// nothing else of a shell; what only a shell would do ($ ` ; & < > * ?) outside quotes is an error.
[[nodiscard]] base::Result<std::vector<Argv>> split_command(std::string_view text);

}  // namespace wl::wsbridge::process
