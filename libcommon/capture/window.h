#pragma once
// The part of a capture that stands in memory: records are parsed in it, in place.
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/capture/byte_source.h"

namespace wl::capture {

/// A buffer over a ByteSource that moves forward only. Memory grows beyond its first size only as bytes
/// arrive that a caller has asked for in one piece; callers bound what they ask for. Of a source that reads
/// ahead, the next blocks are read into buffers of their own; the unread end of the one before is then copied
/// in front of each.
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

  /// The next record's headers are looked at soon: another processor may have read them.
  void prefetch() const {
    __builtin_prefetch(data());
    __builtin_prefetch(data() + 64);
  }

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
  // In front of a block that was read ahead: room for the unread end of the block before, mostly less than a
  // record.
  static constexpr size_t kHeadroom = size_t{64} << 10;
  static constexpr size_t kCapacity = kHeadroom + kSize;
  static constexpr size_t kMostAhead = 4;

  base::Result<Fill> read_more();
  base::Result<Fill> read_behind();
  base::Result<Fill> take_ahead();
  void begin_ahead();
  void make_room(size_t size);
  std::unexpected<base::Error> fail_at(uint64_t offset, std::string_view cause) const;

  std::string name_;
  Block buffer_;
  std::deque<Block> ahead_;            // kCapacity bytes each, being filled from kHeadroom on
  std::vector<Block> spare_;           // the next of ahead_
  std::unique_ptr<ByteSource> bytes_;  // behind the buffers: it may be reading into one until it goes
  size_t capacity_ = kCapacity;
  size_t begin_ = 0;
  size_t end_ = 0;
  uint64_t base_ = 0;  // offset of buffer_[0]
};

/// The rest of a window as a source of bytes: what stands in it, then what it reads.
[[nodiscard]] std::unique_ptr<ByteSource> bytes_of(Window window);

}  // namespace wl::capture
