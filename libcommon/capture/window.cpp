#include "libcommon/capture/window.h"

#include <algorithm>
#include <cstring>

namespace wl::capture {

Window::Window(std::unique_ptr<ByteSource> bytes, std::string name)
    : bytes_(std::move(bytes)), name_(std::move(name)), buffer_(new uint8_t[kSize]) {}

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

base::Result<Fill> Window::read_more() {
  if (begin_ > 0) {
    std::memmove(buffer_.get(), data(), size());
    base_ += begin_;
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == capacity_) {
    std::unique_ptr<uint8_t[]> larger(new uint8_t[capacity_ * 2]);
    std::memcpy(larger.get(), buffer_.get(), end_);
    buffer_ = std::move(larger);
    capacity_ *= 2;
  }
  auto got = bytes_->read({buffer_.get() + end_, capacity_ - end_});
  if (!got) return fail_at(base_ + end_, got.error().line());
  end_ += got->size;
  return got->state;
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
