#include "libcommon/capture/byte_source.h"

#include <cerrno>
#include <new>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libcommon/capture/read_ahead.h"

namespace wl::capture {
namespace {

constexpr int kWaitMs = 100;
constexpr int kPipeSize = 1 << 20;  // saves most of the switching between writer and reader

class FdBytes final : public ByteSource {
 public:
  FdBytes(base::Fd fd, bool can_idle) : fd_(std::move(fd)), can_idle_(can_idle) {}

  base::Result<Got> read(std::span<uint8_t> room) override {
    if (can_idle_ && !readable()) {
      was_idle_ = true;
      return Got{Fill::idle, 0};
    }
    for (;;) {
      const ssize_t size = ::read(fd_.get(), room.data(), room.size());
      if (size > 0) {
        was_idle_ = false;
        return Got{Fill::ready, static_cast<size_t>(size)};
      }
      if (size == 0) return Got{Fill::end, 0};
      if (can_idle_ && (errno == EAGAIN || errno == EINTR)) {
        was_idle_ = true;
        return Got{Fill::idle, 0};
      }
      if (errno != EINTR) return base::fail(base::errno_text(errno));
    }
  }

  bool can_idle() const override { return can_idle_; }

 private:
  bool readable() {
    pollfd entry{fd_.get(), POLLIN, 0};
    return ::poll(&entry, 1, was_idle_ ? kWaitMs : 0) > 0;  // a signal ends the wait as well
  }

  base::Fd fd_;
  bool can_idle_;
  bool was_idle_ = false;
};

}  // namespace

Block new_block(size_t size) {
  constexpr std::align_val_t kAlignment{kBlockAlignment};
  return {static_cast<uint8_t*>(::operator new(size, kAlignment)),
          [](uint8_t* bytes) { ::operator delete(bytes, kAlignment); }};
}

base::Result<std::unique_ptr<ByteSource>> bytes_of(base::Fd fd) {
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return base::fail(base::errno_text(errno));
  if (S_ISDIR(info.st_mode)) return base::fail("is a directory", "name a capture file in it");
  const bool regular = S_ISREG(info.st_mode) || S_ISBLK(info.st_mode);
  if (regular) ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  if (S_ISFIFO(info.st_mode)) (void)::fcntl(fd.get(), F_SETPIPE_SZ, kPipeSize);
  auto bytes = std::make_unique<FdBytes>(std::move(fd), !regular);
  if (!regular) return bytes;
  return std::make_unique<ReadAhead>(std::move(bytes));
}

}  // namespace wl::capture
