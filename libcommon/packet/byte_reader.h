#pragma once
// Checked reading of captured bytes. Nothing in libcommon/packet reads memory in any other way.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

namespace wl::packet {

/// A view of exactly N bytes, or nothing: checked once when it is taken, then each access is checked by the
/// compiler. Used as a std::optional is; one pointer, because an optional goes through memory.
template <size_t N>
class Fixed {
 public:
  explicit Fixed(const uint8_t* bytes) : bytes_(bytes) {}

  explicit operator bool() const { return bytes_ != nullptr; }
  const Fixed* operator->() const { return this; }
  const Fixed& operator*() const { return *this; }

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
  /// Copies Count bytes to the beginning of `to`.
  template <size_t At, size_t Count, size_t Room>
  void copy_to(std::array<uint8_t, Room>& to) const {
    static_assert(At + Count <= N && Count <= Room);
    std::memcpy(to.data(), bytes_ + At, Count);
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
  /// Both sizes are below 4 GiB, as those of packets are.
  ByteReader(std::span<const uint8_t> captured, size_t wire_size)
      : ByteReader(captured.data(), captured.size(), std::max(wire_size, captured.size())) {}

  [[nodiscard]] size_t size() const { return sizes_ & kLow; }
  [[nodiscard]] size_t wire_size() const { return sizes_ >> 32; }
  [[nodiscard]] bool empty() const { return size() == 0; }
  /// True when the capture ends before the layer does.
  [[nodiscard]] bool cut() const { return size() < wire_size(); }
  [[nodiscard]] std::span<const uint8_t> bytes() const { return {at_, size()}; }
  [[nodiscard]] std::string_view text() const { return {reinterpret_cast<const char*>(at_), size()}; }

  /// The next N bytes, or nothing when fewer are left (and then nothing is consumed).
  template <size_t N>
  [[nodiscard]] Fixed<N> take() {
    const Fixed<N> fixed = peek<N>();
    if (fixed) advance(N);
    return fixed;
  }
  /// The next N bytes without consuming them.
  template <size_t N>
  [[nodiscard]] Fixed<N> peek() const {
    return Fixed<N>(size() < N ? nullptr : at_);
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
    return index < size() ? std::optional(at_[index]) : std::nullopt;
  }

  /// Passes over `count` bytes; false, consuming nothing, when fewer are left.
  [[nodiscard]] bool skip(size_t count) {
    if (size() < count) return false;
    advance(count);
    return true;
  }
  /// The next `count` bytes as a reader of their own (fewer where fewer are there), which are consumed here.
  [[nodiscard]] ByteReader take_reader(size_t count) {
    const ByteReader part = first(count);
    at_ += part.size();
    sizes_ -= part.sizes_;
    return part;
  }
  /// The layer inside when its header says how long it is: at most `count` bytes on the wire.
  [[nodiscard]] ByteReader first(size_t count) const {
    return {at_, std::min(size(), count), std::min(wire_size(), count)};
  }
  /// Without the last `count` bytes on the wire (a trailer).
  [[nodiscard]] ByteReader without_last(size_t count) const {
    return first(wire_size() - std::min(wire_size(), count));
  }

 private:
  static constexpr uint64_t kLow = 0xffffffff;

  ByteReader(const uint8_t* at, size_t size, size_t wire_size)
      : at_(at), sizes_(uint64_t{wire_size} << 32 | size) {}

  void advance(size_t count) {
    at_ += count;
    sizes_ -= uint64_t{count} << 32 | count;
  }

  // Two words, so that a reader travels from decoder to decoder in registers: the low half of `sizes_` is
  // what was captured, the high half what the wire had; neither is ever less than what is taken from it.
  const uint8_t* at_ = nullptr;
  uint64_t sizes_ = 0;
};

}  // namespace wl::packet
