#include "libcommon/capture/read_ahead.h"

#include "libcommon/base/signals.h"

namespace wl::capture {

base::Result<ByteSource::Got> ReadAhead::read_into(const Block& block, std::span<uint8_t> room) {
  std::unique_lock lock(mutex_);
  if (asked_.empty() && answered_.empty()) return file_->read_into(block, room);
  changed_.wait(lock, [this] { return !answered_.empty(); });
  auto got = std::move(answered_.front());
  answered_.pop_front();
  return got;
}

void ReadAhead::begin_read(const Block& block, std::span<uint8_t> room) {
  if (!thread_.joinable()) {
    const base::SignalsBlocked blocked;
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }
  {
    const std::lock_guard lock(mutex_);
    asked_.emplace_back(block, room);
  }
  changed_.notify_all();
}

void ReadAhead::run(const std::stop_token& stop) {
  base::Result<Got> got = Got{Fill::ready, 0};
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return !asked_.empty(); }) && !stop.stop_requested()) {
    const Asked asked = asked_.front();
    lock.unlock();
    if (got && got->state == Fill::ready)
      got = file_->read_into(asked.block, asked.room);  // what ended is not asked again
    lock.lock();
    asked_.pop_front();
    answered_.push_back(got);
    changed_.notify_all();
  }
}

}  // namespace wl::capture
