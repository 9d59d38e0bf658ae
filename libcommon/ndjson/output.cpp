#include "libcommon/ndjson/output.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace wl::ndjson {

Output::Output(int fd, std::string name)
    : fd_(fd),
      name_(std::move(name)),
      buffer_(std::make_unique_for_overwrite<char[]>(kBufferSize)),
      begin_(buffer_.get()),
      at_(begin_),
      limit_(begin_ + kBufferSize),
      capacity_(kBufferSize) {
  // A pipe of 1 MiB in place of 64 KiB saves most of the switching between writer and reader. Where the limit
  // of pipe pages is used up the kernel refuses, and the pipe stays as it is.
  struct stat status{};
  if (::fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode)) (void)::fcntl(fd, F_SETPIPE_SZ, 1 << 20);
}

void Output::write(std::string_view record) {
  char* const out = reserve(record.size());
  std::memcpy(out, record.data(), record.size());
  commit(out + record.size());
}

void Output::flush() { drain(hold_limit_ == 0); }

void Output::finish() {
  drain(true);
  if (flags_before_ >= 0) (void)::fcntl(fd_, F_SETFL, flags_before_);
  flags_before_ = -1;
}

void Output::tick(int64_t steady_now_ns) {
  if (at_ == begin_) {
    oldest_ns_ = 0;
  } else if (oldest_ns_ == 0) {
    oldest_ns_ = steady_now_ns;
  } else if (steady_now_ns - oldest_ns_ >= kMaxDelayNs / 2) {
    flush();
  }
}

void Output::set_nonblocking(size_t limit) {
  hold_limit_ = std::max(limit, kBufferSize);
  flags_before_ = ::fcntl(fd_, F_GETFL);
  if (flags_before_ >= 0) (void)::fcntl(fd_, F_SETFL, flags_before_ | O_NONBLOCK);
}

bool Output::has_room(size_t size) {
  if (hold_limit_ == 0 || buffered() + size <= hold_limit_) return true;
  drain(false);
  return buffered() + size <= hold_limit_;
}

void Output::make_room(size_t size) {
  drain(hold_limit_ == 0);
  const size_t kept = buffered();
  if (kept + size > capacity_) {
    capacity_ = std::max(kept + size, capacity_ * 2);
    auto larger = std::make_unique_for_overwrite<char[]>(capacity_);
    std::memcpy(larger.get(), begin_, kept);
    buffer_ = std::move(larger);
  } else {
    std::memmove(buffer_.get(), begin_, kept);
  }
  begin_ = buffer_.get();
  at_ = begin_ + kept;
  limit_ = begin_ + capacity_;
}

void Output::drain(bool wait) {
  while (begin_ != at_ && good()) {
    const ssize_t n = ::write(fd_, begin_, static_cast<size_t>(at_ - begin_));
    if (n >= 0) {
      begin_ += n;
      written_ += static_cast<uint64_t>(n);
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return give_up(errno);
    if (!wait) return;
    pollfd ready{fd_, POLLOUT, 0};
    (void)::poll(&ready, 1, -1);
  }
  if (!good()) at_ = begin_;  // nobody will read it
  if (begin_ == at_) {
    begin_ = at_ = buffer_.get();
    oldest_ns_ = 0;
  }
}

void Output::give_up(int error_number) {
  at_ = begin_ = buffer_.get();
  if (error_number == EPIPE) {
    state_ = WriteState::closed;
    return;
  }
  state_ = WriteState::failed;
  error_ = base::Error{name_ + ": " + base::errno_text(error_number),
                       error_number == ENOSPC ? "free some space and run it again" : ""};
}

}  // namespace wl::ndjson
