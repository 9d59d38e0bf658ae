#include "libcommon/base/log.h"

#include <array>
#include <mutex>

#include <fcntl.h>
#include <unistd.h>

#include "libcommon/base/fd.h"
#include "libcommon/base/signals.h"
#include "libcommon/base/time.h"
#include "libcommon/base/utf8.h"

namespace wl::base {
namespace {

constexpr std::array<std::string_view, 4> kLower{"error", "warning", "info", "debug"};
constexpr std::array<std::string_view, 4> kUpper{"ERROR", "WARNING", "INFO", "DEBUG"};

/// A JSON string. Paths and arguments in a message may be no UTF-8: such bytes become \xNN.
void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  const char* const end = text.data() + text.size();
  for (const char* at = text.data(); at != end;) {
    const size_t length = utf8_length(at, end);
    const auto byte = static_cast<unsigned char>(*at);
    if (length == 0 || byte < 0x20) {
      out += length == 0 ? "\\\\x" : "\\u00";
      out += {kHex[byte >> 4], kHex[byte & 15]};
    } else {
      if (byte == '"' || byte == '\\') out += '\\';
      out.append(at, length);
    }
    at += length == 0 ? 1 : length;
  }
  out += '"';
}

/// One line, whatever the text holds: control characters become spaces.
void append_line(std::string& out, std::string_view text) {
  for (const char c : text) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
}

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n <= 0) return;  // stderr is gone: there is nobody to tell
    text.remove_prefix(static_cast<size_t>(n));
  }
}

}  // namespace

struct Log::State {
  LogOptions options;
  Fd file;
  std::mutex mutex;
};

Log::Log(std::string tool) : tool_(std::move(tool)), state_(std::make_unique<State>()) {}
Log::~Log() = default;

Result<void> Log::configure(const LogOptions& options) {
  state_->options = options;
  if (!options.file.empty()) Signals::catch_reopen();
  return reopen();
}

Result<void> Log::reopen() {
  const std::string& path = state_->options.file;
  if (path.empty()) return {};
  Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!file) return fail(path + ": " + errno_text(errno), "choose another --log-file");
  const std::lock_guard lock(state_->mutex);
  state_->file = std::move(file);
  return {};
}

bool Log::shows(LogLevel level) const { return level <= state_->options.level; }

void Log::write(LogLevel level, std::string_view text) {
  const LogOptions& options = state_->options;
  if (!shows(level)) return;
  // Where the file cannot be opened anew the old one goes on: no line is lost.
  if (state_->file && Signals::take_reopen_request()) (void)reopen();
  const auto index = static_cast<size_t>(level);
  std::string line;
  if (options.json) {
    line = "{\"ts\":\"" + rfc3339(wall_clock_ns(), 6) + "\",\"level\":\"";
    line += kLower[index];
    line += "\",\"tool\":";
    append_json_string(line, tool_);
    line += ",\"message\":";
    append_json_string(line, text);
    line += '}';
  } else {
    if (state_->file) {
      line = rfc3339(wall_clock_ns(), 6) + " ";
      line += kUpper[index];
      line += ' ';
    }
    line += tool_ + ": ";
    append_line(line, text);
  }
  line += '\n';
  const std::lock_guard lock(state_->mutex);
  write_all(state_->file ? state_->file.get() : STDERR_FILENO, line);
}

void SkipReport::add(std::string_view text) {
  if (++count_ <= kShown) log_.error(text);
}

void SkipReport::finish() {
  if (count_ <= kShown) return;
  log_.error(std::to_string(count_ - kShown) + " more " + what_ + (count_ - kShown == 1 ? "" : "s") +
             " skipped, " + std::to_string(count_) + " in all");
}

}  // namespace wl::base
