#pragma once
// A capture of any bytes, read at once or in pieces as from a pipe, and what must hold of every packet.
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>

#include "libcommon/capture/open.h"

namespace wl::fuzz {

class MemoryBytes final : public capture::ByteSource {
 public:
  MemoryBytes(std::span<const uint8_t> rest, bool in_pieces) : rest_(rest), in_pieces_(in_pieces) {}

  base::Result<Got> read(std::span<uint8_t> room) override {
    idle_ = in_pieces_ && !idle_;
    if (idle_) return Got{capture::Fill::idle, 0};
    const size_t size = std::min({room.size(), rest_.size(), in_pieces_ ? size_t{7} : SIZE_MAX});
    if (size == 0) return Got{capture::Fill::end, 0};
    std::copy_n(rest_.begin(), size, room.begin());
    rest_ = rest_.subspan(size);
    return Got{capture::Fill::ready, size};
  }
  bool can_idle() const override { return in_pieces_; }

 private:
  std::span<const uint8_t> rest_;
  bool in_pieces_;
  bool idle_ = false;
};

inline void require(bool good) {
  if (!good) std::abort();
}

/// How many packets there were, and how it ended.
struct Outcome {
  size_t packets = 0;
  std::string error;
  bool operator==(const Outcome&) const = default;
};

/// Reads everything. What is delivered must lie in the input where its offset says.
inline Outcome read_capture(std::span<const uint8_t> input, bool in_pieces) {
  Outcome outcome;
  auto source = capture::open_bytes(std::make_unique<MemoryBytes>(input, in_pieces), "fuzz");
  if (!source) return {0, source.error().line()};
  for (;;) {
    capture::Frame frame;
    const auto next = (*source)->next(frame);
    if (!next) outcome.error = next.error().line();
    if (!next || *next == capture::Next::end) return outcome;
    if (*next == capture::Next::idle) continue;
    ++outcome.packets;
    require(frame.interface < (*source)->interfaces().size());
    require(frame.length >= frame.data.size());
    require(frame.offset <= input.size() && frame.data.size() <= input.size() - frame.offset);
    require(std::equal(frame.data.begin(), frame.data.end(),
                       input.begin() + static_cast<std::ptrdiff_t>(frame.offset)));
    for (const std::string& comment : frame.comments) require(comment.size() <= input.size());
  }
}

/// Whether these bytes are compressed, which the targets leave out: offsets are then those of other bytes.
inline bool compressed(std::span<const uint8_t> input) {
  const auto begins = [&](std::initializer_list<uint8_t> magic) {
    return input.size() >= magic.size() && std::equal(magic.begin(), magic.end(), input.begin());
  };
  return begins({0x1f, 0x8b}) || begins({0x28, 0xb5, 0x2f, 0xfd}) || begins({0x04, 0x22, 0x4d, 0x18}) ||
         begins({0xfd, '7', 'z', 'X', 'Z'});
}

}  // namespace wl::fuzz
