#include "libcommon/store/direct_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "libcommon/base/signals.h"

namespace wl::store {

DirectFile::DirectFile(std::string path, base::Fd file) : path_(std::move(path)), file_(std::move(file)) {}

DirectFile::Block DirectFile::new_block() {
  return Block(static_cast<uint8_t*>(::operator new(kBlock, kAlignment)));
}

base::Result<std::unique_ptr<DirectFile>> DirectFile::create(const std::string& path) {
  base::Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return base::fail(path + ": " + base::errno_text(errno));
  std::unique_ptr<DirectFile> made(new DirectFile(path, std::move(file)));
  (void)made->set_direct(true);
  return made;
}

bool DirectFile::set_direct(bool direct) {
  const int flags = ::fcntl(file_.get(), F_GETFL);
  if (flags < 0 || ::fcntl(file_.get(), F_SETFL, direct ? flags | O_DIRECT : flags & ~O_DIRECT) != 0)
    return false;
  direct_ = direct;
  return true;
}

base::Result<void> DirectFile::write(std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min(bytes.size(), kBlock - used_));
    std::memcpy(block_.get() + used_, part.data(), part.size());
    used_ += part.size();
    bytes = bytes.subspan(part.size());
    if (used_ < kBlock) continue;
    if (const auto handed = hand_over(); !handed) return handed;
  }
  return {};
}

/// The full block goes to the thread.
base::Result<void> DirectFile::hand_over() {
  if (!thread_.joinable()) {
    full_ = new_block();
    const base::SignalsBlocked blocked;
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }
  if (const auto before = wait(); !before) return before;
  const std::lock_guard lock(mutex_);
  std::swap(block_, full_);
  used_ = 0;
  busy_ = true;
  changed_.notify_all();
  return {};
}

/// Until the block before is written.
base::Result<void> DirectFile::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !busy_; });
  return state_;
}

void DirectFile::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return busy_; })) {
    lock.unlock();
    auto state = put({full_.get(), kBlock});
    lock.lock();
    state_ = std::move(state);
    busy_ = false;
    changed_.notify_all();
  }
}

base::Result<void> DirectFile::put(std::span<const uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    // After a short write the next one is not aligned; and some file systems refuse only now.
    if (written < 0 && errno == EINVAL && direct_ && set_direct(false)) continue;
    if (written < 0) return base::fail(path_ + ": " + base::errno_text(errno));
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return {};
}

base::Result<void> DirectFile::finish() {
  if (const auto before = wait(); !before) return before;
  if (direct_) (void)set_direct(false);  // the end is not a whole block
  if (const auto written = put({block_.get(), used_}); !written) return written;
  used_ = 0;
  if (::fsync(file_.get()) != 0) return base::fail(path_ + ": " + base::errno_text(errno));
  return {};
}

}  // namespace wl::store
