#include "libcommon/capture/read_ahead.h"

#include "libcommon/base/signals.h"

namespace wl::capture {

base::Result<ByteSource::Got> ReadAhead::read(std::span<uint8_t> room) {
  std::unique_lock lock(mutex_);
  if (state_ == State::free) return file_->read(room);
  changed_.wait(lock, [this] { return state_ == State::done; });
  state_ = State::free;
  return got_;
}

void ReadAhead::begin_read(std::span<uint8_t> room) {
  if (!thread_.joinable()) {
    const base::SignalsBlocked blocked;
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }
  {
    const std::lock_guard lock(mutex_);
    room_ = room;
    state_ = State::asked;
  }
  changed_.notify_all();
}

void ReadAhead::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return state_ == State::asked; })) {
    lock.unlock();
    auto got = file_->read(room_);
    lock.lock();
    got_ = std::move(got);
    state_ = State::done;
    changed_.notify_all();
  }
}

}  // namespace wl::capture
