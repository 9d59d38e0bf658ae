#pragma once
// Where records go: a large buffer over a file descriptor. Whole records only: what was committed is written
// completely or, after a failure, reported; nothing is cut inside a line.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "libcommon/base/error.h"

namespace wl::ndjson {

enum class WriteState : uint8_t {
  good,
  closed,  ///< our reader went away (EPIPE): stop quietly
  failed,  ///< full disk or the like: see Output::error()
};

/// Buffers records for one descriptor, which it does not own. Blocking by default. Not for two threads.
///
///   char* p = out.reserve(kRoom);   // then write at most kRoom bytes at p
///   out.commit(end);                // end of the record, behind its '\n'
class Output {
 public:
  static constexpr size_t kBufferSize = size_t{256} << 10;
  static constexpr int64_t kMaxDelayNs = 100'000'000;

  /// `name` stands in the message when writing fails.
  explicit Output(int fd, std::string name = "standard output");

  /// Room for at least `size` more bytes behind what was written so far; flushes or grows as needed. The
  /// pointer is good until the next call.
  [[nodiscard]] char* reserve(size_t size) {
    if (static_cast<size_t>(limit_ - at_) < size) make_room(size);
    return at_;
  }
  void commit(char* end) { at_ = end; }
  /// A whole record with its '\n'.
  void write(std::string_view record);

  /// Writes out all that is buffered (blocking).
  void flush();
  /// Writes out all that is buffered, waiting for the reader in every mode, and gives the descriptor its mode
  /// back. The last call.
  void finish();
  /// Writes out what is buffered if the oldest of it has waited kMaxDelayNs; call it between blocks of work.
  void tick(int64_t steady_now_ns);

  /// Bounded, non-blocking mode for `--on-slow drop`: at most `limit` bytes are held for a reader that
  /// stalls. flush() then writes what the descriptor takes. Ask has_room() before a record is made.
  void set_nonblocking(size_t limit);
  [[nodiscard]] bool has_room(size_t size);

  [[nodiscard]] WriteState state() const { return state_; }
  [[nodiscard]] bool good() const { return state_ == WriteState::good; }
  [[nodiscard]] const base::Error& error() const { return error_; }
  /// Bytes handed to the descriptor so far.
  [[nodiscard]] uint64_t written() const { return written_; }
  [[nodiscard]] size_t buffered() const { return static_cast<size_t>(at_ - begin_); }

 private:
  void make_room(size_t size);
  /// Writes from the front of the buffer; `wait` for a descriptor that is full.
  void drain(bool wait);
  void give_up(int error_number);

  int fd_;
  std::string name_;
  std::unique_ptr<char[]> buffer_;
  char* begin_;  // first byte not yet written
  char* at_;     // end of what was committed
  char* limit_;  // end of the buffer
  size_t capacity_;
  size_t hold_limit_ = 0;  // non-blocking mode: most bytes held
  int64_t oldest_ns_ = 0;  // when tick() first saw what is buffered; 0: nothing seen
  int flags_before_ = -1;  // of the descriptor, where set_nonblocking() changed them
  uint64_t written_ = 0;
  WriteState state_ = WriteState::good;
  base::Error error_;
};

}  // namespace wl::ndjson
