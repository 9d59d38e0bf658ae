#pragma once
// Memory for texts that have to be put together while a packet is decoded.
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace wl::packet {

/// A bump allocator over one block; everything is given back at once when the next packet begins. What does
/// not fit is not given: decoders then leave the field out, so hostile packets cannot make it grow.
class Scratch {
 public:
  static constexpr size_t kSize = size_t{512} << 10;

  Scratch() : block_(std::make_unique_for_overwrite<char[]>(kSize)) {}

  void reset() { used_ = 0; }
  /// `size` bytes, or an empty span.
  [[nodiscard]] std::span<char> take(size_t size) {
    if (kSize - used_ < size) return {};
    char* const at = block_.get() + used_;
    used_ += size;
    return {at, size};
  }
  /// Gives back the end of the last span taken, from `end` on.
  void give_back(const char* end) { used_ = static_cast<size_t>(end - block_.get()); }
  /// Room for `count` text views; empty when there is none.
  [[nodiscard]] std::span<std::string_view> take_list(size_t count) {
    const size_t aligned = (used_ + alignof(std::string_view) - 1) & ~(alignof(std::string_view) - 1);
    if (aligned > kSize || (kSize - aligned) / sizeof(std::string_view) < count) return {};
    used_ = aligned + count * sizeof(std::string_view);
    auto* const first = reinterpret_cast<std::string_view*>(block_.get() + aligned);
    std::uninitialized_default_construct_n(first, count);
    return {first, count};
  }

 private:
  std::unique_ptr<char[]> block_;
  size_t used_ = 0;
};

/// Bytes from the wire as the contract's text: valid UTF-8 stays, any other byte becomes \xNN, a backslash
/// \\. Points into `bytes` where nothing had to change, else into `scratch`; empty when there was no room.
[[nodiscard]] std::string_view wire_text(std::string_view bytes, Scratch& scratch);

}  // namespace wl::packet
