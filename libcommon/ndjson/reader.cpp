#include "libcommon/ndjson/reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace wl::ndjson {
namespace {

// Large enough that read(2) costs nothing beside parsing, small enough to stay in the second-level cache.
constexpr size_t kBlock = size_t{256} << 10;
constexpr int kIdleMs = 100;

}  // namespace

LineReader::LineReader(int fd, size_t max_line)
    : fd_(fd),
      max_line_(max_line),
      capacity_(2 * kBlock),
      buffer_(std::make_unique<char[]>(capacity_ + kPadding)),
      begin_(buffer_.get()),
      scanned_(begin_),
      end_(begin_) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return;
  regular_ = S_ISREG(status.st_mode);
  if (S_ISFIFO(status.st_mode)) (void)::fcntl(fd, F_SETPIPE_SZ, 1 << 20);
}

base::Result<LineState> LineReader::next(Line& line) {
  for (;;) {
    if (auto* const found =
            static_cast<const char*>(std::memchr(scanned_, '\n', static_cast<size_t>(end_ - scanned_)))) {
      return deliver(line, found);
    }
    scanned_ = end_;
    if (static_cast<size_t>(end_ - begin_) > max_line_) skipping_ = true;
    if (skipping_) begin_ = scanned_ = end_ = buffer_.get();
    if (ended_) return finish(line);
    const auto filled = fill();
    if (!filled) return std::unexpected(filled.error());
    if (*filled == Fill::idle) return LineState::idle;
    ended_ = *filled == Fill::end;
  }
}

LineState LineReader::deliver(Line& line, const char* end) {
  const auto size = static_cast<size_t>(end - begin_);
  line = {{begin_, size}, ++number_};
  begin_ += size + 1;
  scanned_ = begin_;
  const bool too_long = skipping_ || size > max_line_;
  skipping_ = false;
  return too_long ? LineState::too_long : LineState::line;
}

LineState LineReader::finish(Line& line) {
  if (skipping_) {
    skipping_ = false;
    line = {{}, ++number_};
    return LineState::too_long;
  }
  if (begin_ == end_) return LineState::end;
  line = {{begin_, static_cast<size_t>(end_ - begin_)}, ++number_};
  begin_ = scanned_ = end_;
  return LineState::line;
}

base::Result<LineReader::Fill> LineReader::fill() {
  make_room();
  for (;;) {
    if (!regular_) {
      pollfd ready{fd_, POLLIN, 0};
      const int n = ::poll(&ready, 1, waiting_ ? kIdleMs : 0);
      if (n < 0 && errno == EINTR) continue;
      if (n == 0) {
        waiting_ = true;
        return Fill::idle;
      }
    }
    const auto room = static_cast<size_t>(buffer_.get() + capacity_ - end_);
    const ssize_t n = ::read(fd_, end_, room);
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) return base::fail(base::errno_text(errno));
    waiting_ = false;
    end_ += n;
    return n == 0 ? Fill::end : Fill::data;
  }
}

/// Room for a block behind what is left of the last one, which moves to the front.
void LineReader::make_room() {
  if (static_cast<size_t>(buffer_.get() + capacity_ - end_) >= kBlock) return;
  const auto kept = static_cast<size_t>(end_ - begin_);
  const auto scanned = static_cast<size_t>(scanned_ - begin_);
  if (kept + kBlock > capacity_) {
    capacity_ = std::min(capacity_ * 2, max_line_ + 2 * kBlock);
    auto larger = std::make_unique<char[]>(capacity_ + kPadding);
    std::memcpy(larger.get(), begin_, kept);
    buffer_ = std::move(larger);
  } else {
    std::memmove(buffer_.get(), begin_, kept);
  }
  begin_ = buffer_.get();
  scanned_ = begin_ + scanned;
  end_ = begin_ + kept;
}

}  // namespace wl::ndjson
