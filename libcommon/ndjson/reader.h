#pragma once
// Lines of a file, a pipe or a socket: large read(2)s, long lines bounded, quiet inputs noticed.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "libcommon/base/error.h"

namespace wl::ndjson {

/// Bytes that may be read behind each line that a LineReader gives: what simdjson wants.
inline constexpr size_t kPadding = 64;

enum class LineState : uint8_t {
  line,      ///< a line was delivered
  too_long,  ///< a line was passed over because it is longer than the limit
  idle,      ///< nothing to read right now: flush, then call again (which waits)
  end,       ///< end of the input
};

/// One line without its '\n'. The text lives until the next call of LineReader::next().
struct Line {
  std::string_view text;
  uint64_t number = 0;  ///< from 1
};

/// Reads a descriptor, which it does not own. A last line without '\n' is a line. Memory is bounded by twice
/// the limit of a line, however long the lines are.
class LineReader {
 public:
  static constexpr size_t kMaxLine = size_t{16} << 20;

  explicit LineReader(int fd, size_t max_line = kMaxLine);

  /// The next line; `too_long` sets only its number. `idle` comes only from what is no regular file; the call
  /// after it waits at most 100 ms for data, then says `idle` again, so that the caller's clocks run.
  [[nodiscard]] base::Result<LineState> next(Line& line);

 private:
  enum class Fill : uint8_t { data, idle, end };

  [[nodiscard]] base::Result<Fill> fill();
  void make_room();
  [[nodiscard]] LineState deliver(Line& line, const char* end);
  [[nodiscard]] LineState finish(Line& line);

  int fd_;
  size_t max_line_;
  bool regular_ = false;   // a file never makes us wait
  bool waiting_ = false;   // idle was said: the next fill waits
  bool skipping_ = false;  // inside a line that is too long
  bool ended_ = false;
  uint64_t number_ = 0;  // of the last line given
  size_t capacity_;
  std::unique_ptr<char[]> buffer_;  // capacity_ + kPadding bytes
  char* begin_;                     // first byte not yet given
  char* scanned_;                   // no '\n' between begin_ and here
  char* end_;                       // end of what was read
};

}  // namespace wl::ndjson
