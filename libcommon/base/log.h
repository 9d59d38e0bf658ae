#pragma once
// stderr, one line each: "netsniff: eth0: permission denied (run as root)". Data never goes here.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "libcommon/base/error.h"

namespace wl::base {

enum class LogLevel : uint8_t { error, warning, info, debug };

struct LogOptions {
  bool json = false;                ///< --log-format json
  LogLevel level = LogLevel::info;  ///< --log-level
  std::string file{};               ///< --log-file; empty: stderr
};

/// Writes whole lines with one write(2) each, so that lines of several processes do not mix. Threads may
/// share it. With a file, each line has its time and LEVEL; `reopen` (SIGHUP) opens the file anew for
/// logrotate.
class Log {
 public:
  /// `tool` stands before each line.
  explicit Log(std::string tool);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  /// Applies the options; fails when the file cannot be opened.
  [[nodiscard]] Result<void> configure(const LogOptions& options);

  void error(std::string_view text) { write(LogLevel::error, text); }
  void error(const Error& error) { write(LogLevel::error, error.line()); }
  void warning(std::string_view text) { write(LogLevel::warning, text); }
  void info(std::string_view text) { write(LogLevel::info, text); }
  void debug(std::string_view text) { write(LogLevel::debug, text); }
  /// False: a text of that level would not be written, so that it need not be made.
  [[nodiscard]] bool shows(LogLevel level) const;
  [[nodiscard]] const std::string& tool() const { return tool_; }

 private:
  void write(LogLevel level, std::string_view text);
  Result<void> reopen();

  struct State;
  std::string tool_;
  std::unique_ptr<State> state_;
};

/// Reports what was skipped: the first `kShown` one line each, the rest as one count at the end.
class SkipReport {
 public:
  static constexpr uint64_t kShown = 10;

  /// `what` names one skipped thing in the closing count: "line".
  SkipReport(Log& log, std::string what) : log_(log), what_(std::move(what)) {}
  void add(std::string_view text);
  /// Writes the closing count, if lines were held back.
  void finish();
  [[nodiscard]] uint64_t count() const { return count_; }

 private:
  Log& log_;
  std::string what_;
  uint64_t count_ = 0;
};

}  // namespace wl::base
