#include "libcommon/capture/window.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace wl::capture {

Window::Window(std::unique_ptr<ByteSource> bytes, std::string name)
    : name_(std::move(name)), buffer_(new_block(kCapacity)), bytes_(std::move(bytes)) {}

base::Result<Fill> Window::fill(size_t count) {
  while (size() < count) {
    const auto state = read_more();
    if (!state || *state != Fill::ready) return state;
  }
  return Fill::ready;
}

base::Result<Fill> Window::discard(uint64_t& count) {
  for (;;) {
    const size_t here = static_cast<size_t>(std::min<uint64_t>(count, size()));
    begin_ += here;
    count -= here;
    if (count == 0) return Fill::ready;
    const auto state = read_more();
    if (!state || *state != Fill::ready) return state;
  }
}

base::Result<Fill> Window::read_more() { return ahead_.empty() ? read_behind() : take_ahead(); }

/// Reads behind what stands here.
base::Result<Fill> Window::read_behind() {
  make_room(1);
  const size_t room = capacity_ - end_;
  auto got = bytes_->read_into(buffer_, {buffer_.get() + end_, room});
  if (!got) return fail_at(base_ + end_, got.error().line());
  end_ += got->size;
  // A small file is read at once, and never read ahead.
  if (got->size == room && bytes_->reads_ahead()) begin_ahead();
  return got->state;
}

/// Takes the block that was read ahead in place of the one that stands here.
base::Result<Fill> Window::take_ahead() {
  auto block = std::move(ahead_.front());
  ahead_.pop_front();
  auto got = bytes_->read({block.get() + kHeadroom, kSize});
  if (!got) return fail_at(base_ + end_, got.error().line());
  if (got->state != Fill::ready) return got->state;
  const size_t rest = size();
  if (rest > kHeadroom) {  // a large record: it needs one piece of memory
    make_room(got->size);
    std::memcpy(buffer_.get() + end_, block.get() + kHeadroom, got->size);
    end_ += got->size;
    return Fill::ready;
  }
  std::memcpy(block.get() + kHeadroom - rest, data(), rest);
  base_ = offset() - (kHeadroom - rest);  // wraps around below 0; offset() wraps back
  begin_ = kHeadroom - rest;
  end_ = kHeadroom + got->size;
  if (capacity_ == kCapacity) spare_.push_back(std::move(buffer_));
  buffer_ = std::move(block);
  capacity_ = kCapacity;
  if (got->size == kSize) begin_ahead();
  return Fill::ready;
}

/// Asks for several blocks at once: the reading thread is woken seldom.
void Window::begin_ahead() {
  if (ahead_.size() > kMostAhead / 2) return;
  while (ahead_.size() < kMostAhead) {
    std::erase_if(spare_, [](const Block& block) { return block.use_count() > 1; });  // the source needs it
    if (spare_.empty()) spare_.push_back(new_block(kCapacity));
    ahead_.push_back(std::move(spare_.back()));
    spare_.pop_back();
    bytes_->begin_read(ahead_.back(), {ahead_.back().get() + kHeadroom, kSize});
  }
}

/// At least `size` bytes behind what stands here, which moves to the front.
void Window::make_room(size_t size) {
  const size_t rest = this->size();
  const bool fits = capacity_ - rest >= size;
  if (!fits || buffer_.use_count() > 1) {
    if (!fits) capacity_ = std::max(capacity_ * 2, rest + size);
    const Block other = new_block(capacity_);
    std::memcpy(other.get(), data(), rest);
    buffer_ = other;
  } else if (begin_ > 0) {
    std::memmove(buffer_.get(), data(), rest);
  }
  base_ += begin_;
  begin_ = 0;
  end_ = rest;
}

std::unexpected<base::Error> Window::fail(std::string_view cause) const { return fail_at(offset(), cause); }

std::unexpected<base::Error> Window::fail_at(uint64_t offset, std::string_view cause) const {
  return base::fail(name_ + ": byte " + std::to_string(offset) + ": " + std::string(cause));
}

std::unexpected<base::Error> Window::fail_cut(std::string_view what) const {
  return fail("cut short in the middle of " + std::string(what));
}

namespace {

class WindowBytes final : public ByteSource {
 public:
  explicit WindowBytes(Window window) : window_(std::move(window)) {}

  base::Result<Got> read(std::span<uint8_t> room) override {
    if (window_.size() == 0) {
      const auto state = window_.fill(1);
      if (!state) return std::unexpected(state.error());
      if (*state != Fill::ready) return Got{*state, 0};
    }
    const size_t size = std::min(room.size(), window_.size());
    std::memcpy(room.data(), window_.data(), size);
    window_.skip(size);
    return Got{Fill::ready, size};
  }

  bool can_idle() const override { return window_.can_idle(); }

 private:
  Window window_;
};

}  // namespace

std::unique_ptr<ByteSource> bytes_of(Window window) {
  return std::make_unique<WindowBytes>(std::move(window));
}

}  // namespace wl::capture
