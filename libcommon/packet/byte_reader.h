#pragma once
// Checked reading of captured bytes. Nothing in libcommon/packet reads memory in any other way.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

namespace wl::packet {

/// A view of exactly N bytes: checked once when it is taken, then each access is checked by the compiler.
template <size_t N>
class Fixed {
 public:
  explicit Fixed(const uint8_t* bytes) : bytes_(bytes) {}

  template <size_t At>
  [[nodiscard]] uint8_t u8() const {
    static_assert(At + 1 <= N);
    return bytes_[At];
  }
  template <size_t At>
  [[nodiscard]] uint16_t u16() const {
    static_assert(At + 2 <= N);
    return static_cast<uint16_t>(bytes_[At] << 8 | bytes_[At + 1]);
  }
  template <size_t At>
  [[nodiscard]] uint32_t u24() const {
    static_assert(At + 3 <= N);
    return uint32_t{bytes_[At]} << 16 | uint32_t{bytes_[At + 1]} << 8 | bytes_[At + 2];
  }
  template <size_t At>
  [[nodiscard]] uint32_t u32() const {
    static_assert(At + 4 <= N);
    return uint32_t{bytes_[At]} << 24 | u24<At + 1>();
  }
  /// Little-endian, for the protocols of that kind.
  template <size_t At>
  [[nodiscard]] uint16_t le16() const {
    static_assert(At + 2 <= N);
    return static_cast<uint16_t>(bytes_[At] | bytes_[At + 1] << 8);
  }
  template <size_t At>
  [[nodiscard]] uint32_t le32() const {
    static_assert(At + 4 <= N);
    return uint32_t{bytes_[At]} | uint32_t{bytes_[At + 1]} << 8 | uint32_t{bytes_[At + 2]} << 16 |
           uint32_t{bytes_[At + 3]} << 24;
  }
  template <size_t At, size_t Count>
  [[nodiscard]] std::span<const uint8_t, Count> bytes() const {
    static_assert(At + Count <= N);
    return std::span<const uint8_t, Count>(bytes_ + At, Count);
  }

 private:
  const uint8_t* bytes_;
};

/// The bytes of one layer that are left to read. `wire_size` counts the bytes that the layer has on the wire,
/// of which the capture may hold fewer: a read past `size` but within `wire_size` met the end of the capture,
/// one past `wire_size` met a length that lies.
class ByteReader {
 public:
  ByteReader() = default;
  ByteReader(std::span<const uint8_t> captured, size_t wire_size)
      : at_(captured.data()), size_(captured.size()), wire_size_(std::max(wire_size, captured.size())) {}

  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] size_t wire_size() const { return wire_size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  /// True when the capture ends before the layer does.
  [[nodiscard]] bool cut() const { return size_ < wire_size_; }
  [[nodiscard]] std::span<const uint8_t> bytes() const { return {at_, size_}; }
  [[nodiscard]] std::string_view text() const { return {reinterpret_cast<const char*>(at_), size_}; }

  /// The next N bytes, or nothing when fewer are left (and then nothing is consumed).
  template <size_t N>
  [[nodiscard]] std::optional<Fixed<N>> take() {
    if (size_ < N) return std::nullopt;
    const Fixed<N> fixed(at_);
    advance(N);
    return fixed;
  }
  /// The next N bytes without consuming them.
  template <size_t N>
  [[nodiscard]] std::optional<Fixed<N>> peek() const {
    if (size_ < N) return std::nullopt;
    return Fixed<N>(at_);
  }
  [[nodiscard]] std::optional<uint8_t> take_u8() {
    const auto fixed = take<1>();
    return fixed ? std::optional(fixed->template u8<0>()) : std::nullopt;
  }
  [[nodiscard]] std::optional<uint16_t> take_u16() {
    const auto fixed = take<2>();
    return fixed ? std::optional(fixed->template u16<0>()) : std::nullopt;
  }
  /// The byte at `index`; nothing when that is behind the end.
  [[nodiscard]] std::optional<uint8_t> at(size_t index) const {
    return index < size_ ? std::optional(at_[index]) : std::nullopt;
  }

  /// Passes over `count` bytes; false, consuming nothing, when fewer are left.
  [[nodiscard]] bool skip(size_t count) {
    if (size_ < count) return false;
    advance(count);
    return true;
  }
  /// The next `count` bytes as a reader of their own (fewer where fewer are there), which are consumed here.
  [[nodiscard]] ByteReader take_reader(size_t count) {
    const ByteReader part = first(count);
    at_ += part.size_;
    size_ -= part.size_;
    wire_size_ -= part.wire_size_;
    return part;
  }
  /// The layer inside when its header says how long it is: at most `count` bytes on the wire.
  [[nodiscard]] ByteReader first(size_t count) const {
    ByteReader part;
    part.at_ = at_;
    part.size_ = std::min(size_, count);
    part.wire_size_ = std::min(wire_size_, count);
    return part;
  }
  /// Without the last `count` bytes on the wire (a trailer).
  [[nodiscard]] ByteReader without_last(size_t count) const {
    return first(wire_size_ - std::min(wire_size_, count));
  }

 private:
  void advance(size_t count) {
    at_ += count;
    size_ -= count;
    wire_size_ -= count;
  }

  const uint8_t* at_ = nullptr;
  size_t size_ = 0;
  size_t wire_size_ = 0;
};

}  // namespace wl::packet
