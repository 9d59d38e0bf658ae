#pragma once
// Processes of our own: started without a shell, each pipeline in a process group of its own, ended as a
// group.
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "libcommon/base/error.h"
#include "libcommon/base/fd.h"
#include "libcommon/base/log.h"

namespace wl::wsbridge::process {

using Argv = std::vector<std::string>;

/// What a pipeline's ends are joined to.
struct Ends {
  bool write_input = false;  ///< a pipe to the first command; else /dev/null
  std::string name{};        ///< before its lines of stderr in the log
  int pipe_bytes = 0;        ///< room of its pipes, where the kernel allows it; 0: the usual
  std::string owner{};       ///< WIRELINE_OWNER in its environment; empty: none there
};

/// Bytes from somewhere else. One reader at a time.
class Input {
 public:
  virtual ~Input() = default;
  /// What is there right now, as far as it fills `into`; waits for the first. 0: end, or closed.
  virtual boost::asio::awaitable<size_t> read_some(std::span<char> into) = 0;
  /// A waiting read_some() comes back.
  virtual void close() = 0;

  /// Reads `fd`, which it does not own: a pipe, a terminal, a socket, or a file (in small pieces).
  [[nodiscard]] static base::Result<std::unique_ptr<Input>> of(boost::asio::any_io_executor executor, int fd);
};

/// A running pipeline (often of one command). Destroyed while it runs: the group gets SIGKILL. SIGPIPE must
/// be ignored. All on the I/O thread.
class Child final : public Input {
 public:
  [[nodiscard]] static base::Result<std::unique_ptr<Child>> start(boost::asio::any_io_executor executor,
                                                                  std::span<const Argv> pipeline,
                                                                  const Ends& ends, base::Log& log);
  ~Child() override;

  /// From stdout of the last command.
  boost::asio::awaitable<size_t> read_some(std::span<char> into) override;
  void close() override;
  /// All of `bytes` to stdin; false: it reads no more.
  boost::asio::awaitable<bool> write(std::string_view bytes);
  void close_input();
  /// Waits for the last command of the pipeline: its exit status, 128 + signal where one ended it.
  boost::asio::awaitable<int> wait();
  /// SIGTERM to the group, after `grace` SIGKILL, and waits until all of it is gone. Reading goes on
  /// meanwhile.
  boost::asio::awaitable<void> stop(std::chrono::milliseconds grace);
  [[nodiscard]] int pid() const;

 private:
  struct State;
  explicit Child(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

/// Takes lines out of bytes, several at a time, so that what follows works in batches. Memory: what one line
/// needs.
class Lines {
 public:
  static constexpr size_t kMaxLine = size_t{16} << 20;
  explicit Lines(Input& input) : input_(input) {}
  /// Calls `each` for every whole line that is there (a last line without '\n' counts), at least one, or none
  /// when a line became too long. False: the end. A line longer than kMaxLine is left out and counted in
  /// `too_long()`. A line lives until `each` returns; ndjson::kPadding bytes behind it can be read.
  boost::asio::awaitable<bool> next(const std::function<void(std::string_view line)>& each);
  [[nodiscard]] uint64_t too_long() const { return too_long_; }

 private:
  size_t give(const std::function<void(std::string_view line)>& each, size_t scanned);
  void make_room();

  Input& input_;
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
