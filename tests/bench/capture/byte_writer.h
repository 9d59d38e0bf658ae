#pragma once
// Bytes in network order, and lengths that are known only after what they measure.
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/bench/capture/random.h"

namespace wl::bench {

class ByteWriter {
 public:
  ByteWriter& u8(uint32_t value) { return number(value, 1); }
  ByteWriter& u16(uint32_t value) { return number(value, 2); }
  ByteWriter& u24(uint32_t value) { return number(value, 3); }
  ByteWriter& u32(uint32_t value) { return number(value, 4); }
  ByteWriter& text(std::string_view bytes) {
    bytes_ += bytes;
    return *this;
  }
  ByteWriter& zeros(size_t count) {
    bytes_.append(count, '\0');
    return *this;
  }
  ByteWriter& noise(Random& random, size_t count) {
    for (size_t i = 0; i < count; ++i) bytes_ += static_cast<char>(random.byte());
    return *this;
  }
  /// A length field of `width` bytes, then what `body` writes.
  template <class Body>
  ByteWriter& sized(size_t width, Body&& body) {
    const size_t at = bytes_.size();
    zeros(width);
    body();
    size_t length = bytes_.size() - at - width;
    for (size_t i = width; i-- > 0; length >>= 8U) bytes_[at + i] = static_cast<char>(length & 0xFFU);
    return *this;
  }
  [[nodiscard]] size_t size() const { return bytes_.size(); }
  [[nodiscard]] std::string take() { return std::move(bytes_); }

 private:
  ByteWriter& number(uint32_t value, unsigned width) {
    while (width-- > 0) bytes_ += static_cast<char>((value >> (8 * width)) & 0xFFU);
    return *this;
  }
  std::string bytes_;
};

}  // namespace wl::bench
