#include "libcommon/capture/pcap_reader.h"

#include <algorithm>
#include <utility>

#include "libcommon/capture/endian.h"
#include "libcommon/capture/link_types.h"
#include "libcommon/capture/pcap_variant.h"

namespace wl::capture {
namespace {

class PcapReader final : public Source {
 public:
  PcapReader(Window window, PcapVariant variant, Interface interface)
      : window_(std::move(window)),
        variant_(variant),
        unit_ns_(variant.nanoseconds ? 1 : 1000),
        max_size_(max_packet_size(interface.link_type)),
        interfaces_{std::move(interface)} {}

  base::Result<Next> next(Frame& frame) override {
    const uint32_t header = variant_.record_header;
    if (window_.size() < header) [[unlikely]] {
      const auto state = window_.fill(header);
      if (!state) return std::unexpected(state.error());
      if (*state == Fill::idle) return Next::idle;
      if (*state == Fill::end && window_.size() == 0) return Next::end;
      if (*state == Fill::end) return window_.fail_cut("a packet header");
    }
    const PcapRecord record = read_record(window_.data(), variant_);
    if (record.captured > max_size_) [[unlikely]]
      return fail_size(record.captured);
    const size_t size = size_t{header} + record.captured;
    if (window_.size() < size) [[unlikely]] {
      const auto state = window_.fill(size);
      if (!state) return std::unexpected(state.error());
      if (*state == Fill::idle) return Next::idle;
      if (*state == Fill::end) return window_.fail_cut("a packet");
    }
    // A fraction beyond a second is carried over, in 32 bits as Wireshark does it.
    const uint32_t fraction_ns = record.fraction * unit_ns_;
    frame.data = {window_.data() + header, record.captured};
    frame.length = std::max(record.length, record.captured);
    frame.time_ns = int64_t{record.seconds} * 1'000'000'000 + fraction_ns;
    frame.has_time = true;
    frame.interface = 0;
    frame.offset = window_.offset() + header;
    frame.comments = {};
    window_.skip(size);
    window_.prefetch();
    return Next::packet;
  }

  const std::vector<Interface>& interfaces() const override { return interfaces_; }

 private:
  [[gnu::cold]] std::unexpected<base::Error> fail_size(uint32_t captured) const {
    return window_.fail("a packet of " + std::to_string(captured) + " bytes, more than the " +
                        std::to_string(max_size_) + " that a capture may hold");
  }

  Window window_;
  PcapVariant variant_;
  uint32_t unit_ns_;
  uint32_t max_size_;
  std::vector<Interface> interfaces_;
};

}  // namespace

bool is_pcap(const uint8_t* header) { return variant_of(header).has_value(); }

base::Result<std::unique_ptr<Source>> read_pcap(Window window) {
  const uint8_t* header = window.data();
  auto variant = variant_of(header);
  if (!variant) return window.fail("not a pcap file");
  const auto major = load<uint16_t>(header + 4, variant->swap);
  const auto snaplen = load<uint32_t>(header + 16, variant->swap);
  // The upper 16 bits say whether frames end with a check sequence; the ten between are reserved.
  const auto network = load<uint32_t>(header + 20, variant->swap);
  if (major < 2) return window.fail("pcap version " + std::to_string(major) + " is not known");
  if ((network & 0x03ff0000) != 0) return window.fail("reserved bits of the link type are set");
  const uint16_t link_type = normal_link_type(static_cast<uint16_t>(network));
  window.skip(kPcapHeaderSize);
  if (!window.can_idle()) {  // in a pipe, waiting for more would hold up the first packets
    (void)window.fill(kPcapSampleSize);
    variant->record_header =
        likely_record_header(*variant, {window.data(), window.size()}, max_packet_size(link_type));
  }
  Interface interface{
      .link_type = link_type, .snaplen = snaplen, .fraction_digits = variant->nanoseconds ? 9 : 6};
  return std::make_unique<PcapReader>(std::move(window), *variant, std::move(interface));
}

}  // namespace wl::capture
