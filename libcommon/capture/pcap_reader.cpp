#include "libcommon/capture/pcap_reader.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "libcommon/capture/endian.h"
#include "libcommon/capture/link_types.h"

namespace wl::capture {
namespace {

/// What the magic number says of the file.
struct Variant {
  bool swap = false;
  bool nanoseconds = false;
  uint32_t record_header = 16;
};

std::optional<Variant> variant_of(const uint8_t* magic) {
  for (const bool swap : {false, true}) {
    switch (load<uint32_t>(magic, swap)) {
      case 0xa1b2c3d4: return Variant{swap, false, 16};
      case 0xa1b23c4d: return Variant{swap, true, 16};
      case 0xa1b2cd34:
        return Variant{swap, false, 24};  // Kuznetzov: interface, protocol, type behind the lengths
      default: break;
    }
  }
  return std::nullopt;
}

/// Which way round the two lengths of a record stand, by the version that wrote it.
enum class Lengths : uint8_t { captured_first, larger_last, captured_last };

Lengths lengths_of(uint16_t major, uint16_t minor) {
  if (major == 543) return Lengths::captured_last;  // DG/UX tcpdump
  if (major != 2 || minor > 3) return Lengths::captured_first;
  return minor == 3 ? Lengths::larger_last : Lengths::captured_last;
}

class PcapReader final : public Source {
 public:
  PcapReader(Window window, Variant variant, Lengths lengths, Interface interface)
      : window_(std::move(window)), variant_(variant), lengths_(lengths), interfaces_{std::move(interface)} {
    fraction_ns_ = variant.nanoseconds ? 1 : 1000;
    max_size_ = max_packet_size(interfaces_[0].link_type);
  }

  base::Result<Next> next(Frame& frame) override {
    const uint32_t header = variant_.record_header;
    if (window_.size() < header) [[unlikely]] {
      const auto state = window_.fill(header);
      if (!state) return std::unexpected(state.error());
      if (*state == Fill::idle) return Next::idle;
      if (*state == Fill::end && window_.size() == 0) return Next::end;
      if (*state == Fill::end) return window_.fail_cut("a packet header");
    }
    uint32_t captured = load<uint32_t>(window_.data() + 8, variant_.swap);
    uint32_t length = load<uint32_t>(window_.data() + 12, variant_.swap);
    if (lengths_ != Lengths::captured_first) [[unlikely]]
      turn_lengths(captured, length);
    if (captured > max_size_) [[unlikely]]
      return fail_size(captured);
    if (window_.size() < size_t{header} + captured) [[unlikely]] {
      const auto state = window_.fill(size_t{header} + captured);
      if (!state) return std::unexpected(state.error());
      if (*state == Fill::idle) return Next::idle;
      if (*state == Fill::end) return window_.fail_cut("a packet");
    }
    const uint8_t* record = window_.data();
    frame.data = {record + header, captured};
    frame.length = std::max(length, captured);
    // A fraction beyond a second is carried over, in 32 bits as Wireshark does it.
    const uint32_t fraction_ns = load<uint32_t>(record + 4, variant_.swap) * fraction_ns_;
    frame.time_ns = int64_t{load<uint32_t>(record, variant_.swap)} * 1'000'000'000 + fraction_ns;
    frame.has_time = true;
    frame.interface = 0;
    frame.offset = window_.offset() + header;
    frame.comments = {};
    window_.skip(size_t{header} + captured);
    return Next::packet;
  }

  const std::vector<Interface>& interfaces() const override { return interfaces_; }

 private:
  void turn_lengths(uint32_t& captured, uint32_t& length) const {
    if (lengths_ == Lengths::captured_last || captured > length) std::swap(captured, length);
  }

  [[gnu::cold]] std::unexpected<base::Error> fail_size(uint32_t captured) const {
    return window_.fail("a packet of " + std::to_string(captured) + " bytes, more than the " +
                        std::to_string(max_size_) + " that a capture may hold");
  }

  Window window_;
  Variant variant_;
  Lengths lengths_;
  uint32_t fraction_ns_ = 1;  // ns in its unit
  uint32_t max_size_ = 0;
  std::vector<Interface> interfaces_;
};

}  // namespace

bool is_pcap(const uint8_t* magic) { return variant_of(magic).has_value(); }

base::Result<std::unique_ptr<Source>> read_pcap(Window window) {
  const uint8_t* header = window.data();
  const auto variant = variant_of(header);
  if (!variant) return window.fail("not a pcap file");
  const auto major = load<uint16_t>(header + 4, variant->swap);
  const auto minor = load<uint16_t>(header + 6, variant->swap);
  const auto snaplen = load<uint32_t>(header + 16, variant->swap);
  // The upper 16 bits say whether frames end with a check sequence; the ten between are reserved.
  const auto network = load<uint32_t>(header + 20, variant->swap);
  if (major < 2) return window.fail("pcap version " + std::to_string(major) + " is not known");
  if ((network & 0x03ff0000) != 0) return window.fail("reserved bits of the link type are set");
  window.skip(kPcapHeaderSize);
  Interface interface{.link_type = normal_link_type(static_cast<uint16_t>(network)),
                      .snaplen = snaplen,
                      .fraction_digits = variant->nanoseconds ? 9 : 6};
  return std::make_unique<PcapReader>(std::move(window), *variant, lengths_of(major, minor),
                                      std::move(interface));
}

}  // namespace wl::capture
