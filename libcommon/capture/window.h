#pragma once
// The part of a capture that stands in memory: records are parsed in it, in place.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "libcommon/capture/byte_source.h"

namespace wl::capture {

/// A buffer over a ByteSource that moves forward only. Memory grows beyond its first size only as bytes
/// arrive that a caller has asked for in one piece; callers bound what they ask for.
class Window {
 public:
  static constexpr size_t kSize = 1 << 20;

  /// `name` stands in messages.
  Window(std::unique_ptr<ByteSource> bytes, std::string name);

  [[nodiscard]] const uint8_t* data() const { return buffer_.get() + begin_; }
  [[nodiscard]] size_t size() const { return end_ - begin_; }
  /// Where data() stands in the uncompressed file.
  [[nodiscard]] uint64_t offset() const { return base_ + begin_; }
  /// Moves past bytes that stand here; they stay readable until the next fill() or discard().
  void skip(size_t count) { begin_ += count; }

  /// Reads until `count` bytes stand at data() (which moves): `ready`; or `end` with fewer.
  [[nodiscard]] base::Result<Fill> fill(size_t count);
  /// Moves past `count` bytes, read or not, and lowers `count` by what is done: `ready` when it reached 0.
  [[nodiscard]] base::Result<Fill> discard(uint64_t& count);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] bool can_idle() const { return bytes_->can_idle(); }
  /// "NAME: byte OFFSET: cause", for the place where data() stands.
  [[nodiscard]] std::unexpected<base::Error> fail(std::string_view cause) const;
  /// The capture ends inside of `what`, which began here.
  [[nodiscard]] std::unexpected<base::Error> fail_cut(std::string_view what) const;

 private:
  base::Result<Fill> read_more();
  std::unexpected<base::Error> fail_at(uint64_t offset, std::string_view cause) const;

  std::unique_ptr<ByteSource> bytes_;
  std::string name_;
  std::unique_ptr<uint8_t[]> buffer_;
  size_t capacity_ = kSize;
  size_t begin_ = 0;
  size_t end_ = 0;
  uint64_t base_ = 0;  // offset of buffer_[0]
};

/// The rest of a window as a source of bytes: what stands in it, then what it reads.
[[nodiscard]] std::unique_ptr<ByteSource> bytes_of(Window window);

}  // namespace wl::capture
