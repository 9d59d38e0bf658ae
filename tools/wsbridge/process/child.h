#pragma once
// Processes of our own: started without a shell, each pipeline in a process group of its own, ended as a group.
#include <chrono>
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
};

/// A running pipeline (often of one command). Destroyed while it runs: the group gets SIGKILL.
class Child {
 public:
  [[nodiscard]] static base::Result<std::unique_ptr<Child>> start(boost::asio::any_io_executor executor,
                                                                  std::span<const Argv> pipeline,
                                                                  const Ends& ends, base::Log& log);
  ~Child();

  /// What stdout has right now, as far as it fills `into`; 0: end of file.
  boost::asio::awaitable<size_t> read_some(std::span<char> into);
  /// All of `bytes` to stdin; false: it reads no more.
  boost::asio::awaitable<bool> write(std::string_view bytes);
  void close_input();
  /// Waits for the last command of the pipeline: its exit status, 128 + signal where one ended it.
  boost::asio::awaitable<int> wait();
  /// SIGTERM to the group, after `grace` SIGKILL, and waits.
  boost::asio::awaitable<void> stop(std::chrono::milliseconds grace);
  [[nodiscard]] int pid() const;

 private:
  struct State;
  explicit Child(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

/// Takes lines out of a child's stdout, several at a time, so that what follows works in batches.
class Lines {
 public:
  static constexpr size_t kMaxLine = size_t{16} << 20;
  explicit Lines(Child& child) : child_(child) {}
  /// Calls `each` for every whole line that is there, at least one (a last line without '\n' counts). False: the
  /// end. A line longer than kMaxLine is left out and counted in `too_long()`.
  boost::asio::awaitable<bool> next(const std::function<void(std::string_view line)>& each);
  [[nodiscard]] uint64_t too_long() const { return too_long_; }

 private:
  Child& child_;
  std::string kept_{};
  bool skipping_ = false;
  bool ended_ = false;
  uint64_t too_long_ = 0;
};

/// "netsniff -i eth0 | netwindow --whole" as a pipeline: words, quotes and '|' as a shell has them, and
/// nothing else of a shell; what only a shell would do ($ ` ; & < > * ?) outside quotes is an error.
[[nodiscard]] base::Result<std::vector<Argv>> split_command(std::string_view text);

}  // namespace wl::wsbridge::process
