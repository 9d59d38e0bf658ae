#include "libcommon/capture/pcapng_reader.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "libcommon/capture/endian.h"
#include "libcommon/capture/link_types.h"
#include "libcommon/capture/pcapng_options.h"

namespace wl::capture {
namespace {

constexpr uint32_t kHead = 8;                 // type and length
constexpr uint32_t kFrame = 12;               // and the length again behind the body
constexpr uint32_t kCustomHead = 12;          // and whose it is (a private enterprise number)
constexpr uint32_t kMaxOptions = 16U << 20;   // of one block: no program writes more
constexpr uint32_t kMaxInterfaces = 1 << 20;  // each costs memory that stays

/// The fixed part of a packet block, brought to one shape.
struct PacketHead {
  uint32_t size = 0;  // from the block's first byte to the captured data
  uint32_t interface = 0;
  uint32_t captured = 0;
  uint32_t length = 0;
  uint64_t time = 0;
  bool has_time = true;
};

/// An interface of the section that is being read.
struct Known {
  uint32_t index = 0;  // for Source::interfaces()
  TimeScale scale;
};

class PcapngReader final : public Source {
 public:
  explicit PcapngReader(Window window) : window_(std::move(window)) {}

  base::Result<Next> next(Frame& frame) override {
    for (;;) {
      if (skipping_) {
        const auto done = finish_skip();
        if (!done) return std::unexpected(done.error());
        if (*done == Fill::idle) return Next::idle;
      }
      if (window_.size() < kHead) [[unlikely]] {
        const auto state = window_.fill(kHead);
        if (!state) return std::unexpected(state.error());
        if (*state == Fill::idle) return Next::idle;
        if (*state == Fill::end && window_.size() == 0) return Next::end;
        if (*state == Fill::end) return window_.fail_cut("a block header");
      }
      const auto result = block(frame);
      if (!result) return std::unexpected(result.error());
      if (*result != Step::again) return *result == Step::packet ? Next::packet : Next::idle;
    }
  }

  const std::vector<Interface>& interfaces() const override { return interfaces_; }

 private:
  enum class Step : uint8_t { packet, again, idle };
  using Stepped = base::Result<Step>;

  Stepped block(Frame& frame) {
    const auto type = load<uint32_t>(window_.data(), swap_);
    switch (type) {
      case kEnhancedPacketBlock:
      case kOldPacketBlock:
      case kSimplePacketBlock: return packet_block(type, frame);
      case kSectionBlock: return section_block();
      case kInterfaceBlock: return interface_block();
      case kCustomBlock:
      case kCustomBlockNoCopy: return custom_block(frame);
      default: return start_skip();
    }
  }

  /// The block's length, once the whole block stands in the window: 0 while it is on its way.
  base::Result<uint32_t> whole_block(uint32_t least, uint32_t most) {
    const auto said = load<uint32_t>(window_.data() + 4, swap_);
    if (said < least) return fail_length(said, "less than the " + std::to_string(least) + " that it needs");
    if (said > most) return fail_length(said, "more than the " + std::to_string(most) + " that it may have");
    const auto length = static_cast<uint32_t>(padded(said));
    if (window_.size() < length) [[unlikely]] {
      const auto state = window_.fill(length);
      if (!state) return std::unexpected(state.error());
      if (*state == Fill::idle) return 0;
      if (*state == Fill::end) return window_.fail_cut("a block");
    }
    const auto again = load<uint32_t>(window_.data() + length - 4, swap_);
    if (padded(again) != length) [[unlikely]]
      return fail_lengths(said, again);
    return length;
  }

  Stepped packet_block(uint32_t type, Frame& frame) {
    const uint32_t fixed = type == kSimplePacketBlock ? 12 : 28;
    const auto said = load<uint32_t>(window_.data() + 4, swap_);
    if (said < fixed + 4) [[unlikely]] {
      return fail_length(said, "less than the " + std::to_string(fixed + 4) + " that it needs");
    }
    if (window_.size() < fixed) [[unlikely]] {
      const auto state = window_.fill(fixed);
      if (!state) return std::unexpected(state.error());
      if (*state == Fill::idle) return Step::idle;
      if (*state == Fill::end) return window_.fail_cut("a block");
    }
    PacketHead head = packet_head(type);
    if (head.interface >= section_.size()) [[unlikely]] {
      return window_.fail("a packet of interface " + std::to_string(head.interface) +
                          ", but the section has " + std::to_string(section_.size()));
    }
    const uint32_t index = section_[head.interface].index;
    const uint32_t max_size = max_packet_size(interfaces_[index].link_type);
    if (type == kSimplePacketBlock) {
      const uint32_t snaplen = interfaces_[index].snaplen;
      head.captured = snaplen == 0 ? head.length : std::min(head.length, snaplen);
    }
    if (head.captured > max_size) [[unlikely]] {
      return window_.fail("a packet of " + std::to_string(head.captured) + " bytes, more than the " +
                          std::to_string(max_size) + " that a capture may hold");
    }
    const auto block_size = whole_block(fixed + 4, max_size + kMaxOptions);
    if (!block_size) return std::unexpected(block_size.error());
    if (*block_size == 0) return Step::idle;
    const auto data_end = static_cast<uint32_t>(fixed + padded(head.captured));
    if (data_end > *block_size - 4) [[unlikely]] {
      return fail_length(*block_size,
                         "too short for a packet of " + std::to_string(head.captured) + " bytes");
    }
    frame.comments = {};
    if (data_end < *block_size - 4) {
      const auto good = read_comments({window_.data() + data_end, *block_size - 4 - data_end});
      if (!good) return std::unexpected(good.error());
      frame.comments = {comments_.data(), comment_count_};
    }
    frame.data = {window_.data() + fixed, head.captured};
    frame.length = std::max(head.length, head.captured);
    const auto time = head.has_time ? section_[head.interface].scale.ns(head.time) : std::nullopt;
    frame.has_time = time.has_value();
    frame.time_ns = time.value_or(0);
    frame.interface = index;
    frame.offset = window_.offset() + fixed;
    window_.skip(*block_size);
    return Step::packet;
  }

  PacketHead packet_head(uint32_t type) const {
    const uint8_t* block = window_.data();
    PacketHead head;
    if (type == kSimplePacketBlock) {
      head.length = load<uint32_t>(block + 8, swap_);
      head.has_time = false;
      return head;
    }
    head.interface =
        type == kOldPacketBlock ? load<uint16_t>(block + 8, swap_) : load<uint32_t>(block + 8, swap_);
    head.time = uint64_t{load<uint32_t>(block + 12, swap_)} << 32 | load<uint32_t>(block + 16, swap_);
    head.captured = load<uint32_t>(block + 20, swap_);
    head.length = load<uint32_t>(block + 24, swap_);
    return head;
  }

  /// The strings of the last packet are used again, so that comments cost no allocation in the long run.
  base::Result<void> read_comments(std::span<const uint8_t> bytes) {
    comment_count_ = 0;
    Options options(bytes, swap_);
    while (const auto option = options.next()) {
      if (option->code != kOptionComment) continue;
      if (comment_count_ == comments_.size()) comments_.emplace_back();
      comments_[comment_count_++] = option->text();
    }
    if (options.broken()) return fail_option();
    return {};
  }

  /// A record that is no packet, yet one that Wireshark counts among them: it has its number and no time.
  Stepped custom_block(Frame& frame) {
    const auto said = load<uint32_t>(window_.data() + 4, swap_);
    if (said > max_packet_size(kLinkCustomBlock)) return start_skip();
    const auto size = whole_block(kCustomHead + 4, max_packet_size(kLinkCustomBlock));
    if (!size) return std::unexpected(size.error());
    if (*size == 0) return Step::idle;
    if (!custom_) {
      custom_ = static_cast<uint32_t>(interfaces_.size());
      interfaces_.push_back({.link_type = kLinkCustomBlock});
    }
    frame = {.data = {window_.data() + kCustomHead, *size - kCustomHead - 4},
             .length = *size - kCustomHead - 4,
             .has_time = false,
             .interface = *custom_,
             .offset = window_.offset() + kCustomHead};
    window_.skip(*size);
    return Step::packet;
  }

  Stepped section_block() {
    if (window_.size() < 28) {
      const auto state = window_.fill(28);
      if (!state) return std::unexpected(state.error());
      if (*state == Fill::idle) return Step::idle;
      if (*state == Fill::end) return window_.fail_cut("a section header");
    }
    const uint8_t* block = window_.data();
    const auto magic = load<uint32_t>(block + 8, false);
    if (magic != kByteOrderMagic && std::byteswap(magic) != kByteOrderMagic) {
      return window_.fail("a section whose byte order is not marked");
    }
    swap_ = magic != kByteOrderMagic;
    const auto major = load<uint16_t>(block + 12, swap_);
    const auto minor = load<uint16_t>(block + 14, swap_);
    if (major != 1 || (minor != 0 && minor != 2)) {  // 1.2 was written by mistake and is 1.0
      return window_.fail("pcapng version " + std::to_string(major) + "." + std::to_string(minor) +
                          " is not known");
    }
    const auto size = whole_block(28, kMaxOptions);
    if (!size) return std::unexpected(size.error());
    if (*size == 0) return Step::idle;
    section_comment_.clear();
    Options options({window_.data() + 24, *size - 28}, swap_);
    while (const auto option = options.next()) {
      if (option->code == kOptionComment) add_line(section_comment_, option->text());
    }
    if (options.broken()) return fail_option();
    section_.clear();
    window_.skip(*size);
    return Step::again;
  }

  Stepped interface_block() {
    const auto size = whole_block(20, kMaxOptions);
    if (!size) return std::unexpected(size.error());
    if (*size == 0) return Step::idle;
    if (interfaces_.size() >= kMaxInterfaces) return window_.fail("more than a million interfaces");
    const uint8_t* block = window_.data();
    Interface interface{.link_type = normal_link_type(load<uint16_t>(block + 8, swap_)),
                        .snaplen = load<uint32_t>(block + 12, swap_)};
    interface.section_comment = section_comment_;
    uint8_t resolution = 6;
    int64_t offset_s = 0;
    Options options({block + 16, *size - 20}, swap_);
    while (const auto option = options.next()) {
      switch (option->code) {
        case kOptionComment: add_line(interface.comment, option->text()); break;
        case kOptionInterfaceName: interface.name = option->text(); break;
        case kOptionInterfaceDescription: interface.description = option->text(); break;
        case kOptionResolution:
          if (option->value.size() == 1) resolution = option->value[0];
          break;
        case kOptionTimeOffset:
          if (option->value.size() == 8) offset_s = load<int64_t>(option->value.data(), swap_);
          break;
        default: break;
      }
    }
    if (options.broken()) return fail_option();
    const TimeScale scale(resolution, offset_s);
    interface.fraction_digits = scale.fraction_digits();
    section_.push_back({static_cast<uint32_t>(interfaces_.size()), scale});
    interfaces_.push_back(std::move(interface));
    window_.skip(*size);
    return Step::again;
  }

  static void add_line(std::string& text, std::string_view line) {
    if (!text.empty()) text += '\n';
    text += line;
  }

  /// Blocks that say nothing of packets may have any size: they pass through the window.
  Stepped start_skip() {
    skip_length_ = load<uint32_t>(window_.data() + 4, swap_);
    if (skip_length_ < kFrame) return fail_length(skip_length_, "less than the 12 that any block has");
    skip_left_ = padded(skip_length_) - 4;
    skipping_ = true;
    return Step::again;
  }

  base::Result<Fill> finish_skip() {
    auto state = window_.discard(skip_left_);
    if (state && *state == Fill::ready) state = window_.fill(4);
    if (!state || *state == Fill::idle) return state;
    if (*state == Fill::end) return window_.fail_cut("a block");
    const auto again = load<uint32_t>(window_.data(), swap_);
    if (padded(again) != padded(skip_length_)) return fail_lengths(skip_length_, again);
    window_.skip(4);
    skipping_ = false;
    return Fill::ready;
  }

  [[gnu::cold]] std::unexpected<base::Error> fail_length(uint32_t length, const std::string& why) const {
    return window_.fail("a block of " + std::to_string(length) + " bytes, " + why);
  }
  [[gnu::cold]] std::unexpected<base::Error> fail_lengths(uint32_t first, uint32_t second) const {
    return window_.fail("a block whose two lengths differ, " + std::to_string(first) + " and " +
                        std::to_string(second));
  }
  [[gnu::cold]] std::unexpected<base::Error> fail_option() const {
    return window_.fail("a block with an option that is longer than the block");
  }

  Window window_;
  bool swap_ = false;
  std::vector<Interface> interfaces_;
  std::vector<Known> section_;  // the section's interfaces, by their number in it
  std::optional<uint32_t> custom_;
  std::string section_comment_;
  std::vector<std::string> comments_;
  size_t comment_count_ = 0;
  bool skipping_ = false;
  uint32_t skip_length_ = 0;  // as the block says it
  uint64_t skip_left_ = 0;
};

}  // namespace

bool is_pcapng(const uint8_t* head) {
  const auto magic = load<uint32_t>(head + 8, false);
  return load<uint32_t>(head, false) == kSectionBlock &&
         (magic == kByteOrderMagic || std::byteswap(magic) == kByteOrderMagic);
}

std::unique_ptr<Source> read_pcapng(Window window) {
  return std::make_unique<PcapngReader>(std::move(window));
}

}  // namespace wl::capture
