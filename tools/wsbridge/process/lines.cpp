#include <cstring>

#include "libcommon/ndjson/reader.h"
#include "tools/wsbridge/process/child.h"

namespace wl::wsbridge::process {

namespace net = boost::asio;

namespace {
constexpr size_t kUsual = size_t{256} << 10;
}

void Lines::make_room() {
  const bool long_before = capacity_ > kUsual && size_ < kUsual / 2;  // the long line is through
  if (capacity_ != 0 && size_ < capacity_ && !long_before) return;
  const size_t capacity = size_ < kUsual ? kUsual : std::min(capacity_ * 2, kMaxLine + 1);
  auto buffer = std::make_unique_for_overwrite<char[]>(capacity + ndjson::kPadding);
  if (size_ != 0) std::memcpy(buffer.get(), buffer_.get(), size_);
  buffer_ = std::move(buffer);
  capacity_ = capacity;
}

/// Gives the lines that are there; no '\n' stands before `scanned`. Returns how many it gave or began to
/// skip.
size_t Lines::give(const std::function<void(std::string_view line)>& each, size_t scanned) {
  const char* begin = buffer_.get();
  const char* const end = begin + size_;
  const char* from = begin + scanned;
  size_t given = 0;
  while (const void* const found =
             from == end ? nullptr : std::memchr(from, '\n', static_cast<size_t>(end - from))) {
    const auto* const line_end = static_cast<const char*>(found);
    if (!std::exchange(skipping_, false)) {
      each({begin, static_cast<size_t>(line_end - begin)});
      ++given;
    }
    from = begin = line_end + 1;
  }
  size_ = static_cast<size_t>(end - begin);
  if (skipping_ || size_ > kMaxLine) {
    if (!skipping_) ++too_long_, ++given;
    skipping_ = true;
    size_ = 0;
  }
  if (begin != buffer_.get()) std::memmove(buffer_.get(), begin, size_);
  return given;
}

net::awaitable<bool> Lines::next(const std::function<void(std::string_view line)>& each) {
  while (!ended_) {
    make_room();
    const size_t scanned = size_;
    const size_t n = co_await input_.read_some({buffer_.get() + size_, capacity_ - size_});
    size_ += n;
    if (n != 0) {
      if (give(each, scanned) != 0) co_return true;
      continue;
    }
    ended_ = true;
    if (size_ == 0) break;
    each({buffer_.get(), std::exchange(size_, 0)});
    co_return true;
  }
  co_return false;
}

}  // namespace wl::wsbridge::process
