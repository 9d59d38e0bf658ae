#include "libcommon/store/comments.h"

#include <optional>

#include "libcommon/capture/endian.h"
#include "libcommon/capture/pcapng_options.h"
#include "libcommon/store/packet_bytes.h"

namespace wl::store {
namespace {

using capture::load;

// A block with options: type, length, interface, time, captured, on the wire; the captured bytes, filled up;
// the options; the length again.
constexpr uint32_t kHead = 28, kTail = 4;
constexpr uint32_t kMostOptions = 16U << 20;  // as the reader has it

struct OptionBytes {
  uint64_t offset;
  uint32_t size;
  bool swap;
};

/// Where the options lie, if `head` begins a block that has some. What stands there in front of a simple
/// packet block never fits: that one's length, which is more than was captured, is where this has `captured`.
std::optional<OptionBytes> options_behind(std::span<const uint8_t> head, const capture::Frame& frame) {
  for (const bool swap : {false, true}) {
    const auto type = load<uint32_t>(head.data(), swap);
    if (type != capture::kEnhancedPacketBlock && type != capture::kOldPacketBlock) continue;
    const auto length = load<uint32_t>(head.data() + 4, swap);
    const uint64_t taken = kHead + capture::padded(frame.data.size()) + kTail;
    if (load<uint32_t>(head.data() + 20, swap) != frame.data.size() || length < taken) continue;
    if (length - taken > kMostOptions) continue;
    return OptionBytes{frame.offset + capture::padded(frame.data.size()),
                       static_cast<uint32_t>(length - taken), swap};
  }
  return std::nullopt;
}

}  // namespace

base::Result<std::vector<std::string>> packet_comments(const Capture& capture, const capture::Frame& frame) {
  std::vector<std::string> comments;
  auto bytes = PacketBytes::open(capture);
  if (!bytes) return std::unexpected(bytes.error());
  const auto magic = bytes->read(0, sizeof capture::kSectionBlock);
  if (!magic) return std::unexpected(magic.error());
  if (load<uint32_t>(magic->data(), false) != capture::kSectionBlock || frame.offset < kHead) return comments;
  const auto head = bytes->read(frame.offset - kHead, kHead);
  if (!head) return std::unexpected(head.error());
  const auto place = options_behind(*head, frame);
  if (!place) return comments;
  const auto found = bytes->read(place->offset, place->size);
  if (!found) return std::unexpected(found.error());
  capture::Options options(*found, place->swap);
  while (const auto option = options.next())
    if (option->code == capture::kOptionComment) comments.emplace_back(option->text());
  return comments;
}

}  // namespace wl::store
