#pragma once
// Signals as flags that the main loop asks for between two blocks of work.
#include <csignal>

namespace wl::base {

/// What has arrived so far. `stop` counts SIGINT and SIGTERM; the second one ends the process at once (status
/// 130 or 143), whatever it is doing.
struct Signals {
  /// Installs handlers for SIGINT and SIGTERM. Without SA_RESTART, so that a blocking read or poll returns
  /// EINTR.
  static void catch_stop();
  /// SIGINT and SIGTERM are passed over once (a tool that reads stdin goes on to its end of file); the second
  /// ends the process.
  static void ignore_first_stop();
  /// Installs a handler for SIGUSR1: counts wanted.
  static void catch_counts();
  /// Installs a handler for SIGHUP: reopen the log.
  static void catch_reopen();
  /// SIGPIPE is ignored: a closed reader shows as EPIPE.
  static void ignore_pipe();

  [[nodiscard]] static bool stop_requested() { return stop_signal() != 0; }
  /// The first of SIGINT and SIGTERM that came; 0: none.
  [[nodiscard]] static int stop_signal();
  /// True once for each SIGUSR1 that came since the last call.
  [[nodiscard]] static bool take_counts_request();
  /// True once for each SIGHUP.
  [[nodiscard]] static bool take_reopen_request();
};

/// Threads started while it lives leave all signals to the others, whose waits they are meant to end.
class SignalsBlocked {
 public:
  SignalsBlocked();
  ~SignalsBlocked();
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace wl::base
