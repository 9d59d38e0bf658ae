#include "libcommon/store/direct_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "libcommon/base/signals.h"

namespace wl::store {

DirectFile::DirectFile(std::string path, base::Fd file)
    : path_(std::move(path)), file_(std::move(file)), block_(capture::new_block(kBlock)) {}

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

base::Result<void> DirectFile::write(const capture::Block& block, std::span<const uint8_t> bytes) {
  using capture::kBlockAlignment;
  const size_t whole = bytes.size() - bytes.size() % kBlockAlignment;
  if (block && whole >= kBlock && used_ == 0 &&
      reinterpret_cast<uintptr_t>(bytes.data()) % kBlockAlignment == 0) {
    if (const auto handed = hand_over(block, bytes.first(whole)); !handed) return handed;
    bytes = bytes.subspan(whole);
  }
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min(bytes.size(), kBlock - used_));
    std::memcpy(block_.get() + used_, part.data(), part.size());
    used_ += part.size();
    bytes = bytes.subspan(part.size());
    if (used_ < kBlock) continue;
    if (const auto handed = hand_over(block_, {block_.get(), kBlock}); !handed) return handed;
    if (!other_) other_ = capture::new_block(kBlock);
    std::swap(block_, other_);
    used_ = 0;
  }
  return {};
}

/// The thread writes them.
base::Result<void> DirectFile::hand_over(const capture::Block& block, std::span<const uint8_t> bytes) {
  if (!thread_.joinable()) {
    const base::SignalsBlocked blocked;
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }
  if (const auto before = wait(); !before) return before;
  const std::lock_guard lock(mutex_);
  owned_ = block;
  writing_ = bytes;
  changed_.notify_all();
  return {};
}

/// Until the block before is written.
base::Result<void> DirectFile::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return writing_.empty(); });
  return state_;
}

void DirectFile::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return !writing_.empty(); })) {
    lock.unlock();
    auto state = put(writing_);
    lock.lock();
    state_ = std::move(state);
    owned_.reset();
    writing_ = {};
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
