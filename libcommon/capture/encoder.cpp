#include "libcommon/capture/encoder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>

#include "libcommon/capture/link_types.h"
#include "libcommon/capture/pcapng_options.h"

namespace wl::capture {
namespace {

constexpr uint32_t kSnaplen = 262144;  // of a file whose source does not say
constexpr int64_t kNsPerSecond = 1'000'000'000;
constexpr uint32_t kUnknown = UINT32_MAX;
constexpr size_t kMaxOption = 65532;  // the longest text that fits with its padding

/// Appends numbers in this machine's byte order, which both formats allow.
class Bytes {
 public:
  Bytes(ndjson::Output& output, size_t size) : output_(output), at_(output.reserve(size)) {}
  ~Bytes() { output_.commit(at_); }
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;

  template <class T>
  void number(T value) {
    std::memcpy(at_, &value, sizeof value);
    at_ += sizeof value;
  }
  void raw(const void* from, size_t size) {
    if (size > 0) std::memcpy(at_, from, size);
    at_ += size;
  }
  void padding(size_t size) {
    const size_t missing = padded(size) - size;
    std::memset(at_, 0, missing);
    at_ += missing;
  }
  void option(uint16_t code, std::string_view value) {
    number(code);
    number(static_cast<uint16_t>(value.size()));
    raw(value.data(), value.size());
    padding(value.size());
  }

 private:
  ndjson::Output& output_;
  char* at_;
};

/// Collects the options of a block that has any, and their end.
class OptionList {
 public:
  /// Of what may be unknown: empty.
  void add_known(uint16_t code, std::string_view value) {
    if (!value.empty()) add(code, value);
  }
  void add(uint16_t code, std::string_view value) {
    value = value.substr(0, kMaxOption);
    items_.emplace_back(code, value);
    size_ += static_cast<uint32_t>(4 + padded(value.size()));
  }
  [[nodiscard]] uint32_t size() const { return items_.empty() ? 0 : size_ + 4; }
  void write(Bytes& bytes) const {
    for (const auto& [code, value] : items_) bytes.option(code, value);
    if (!items_.empty()) bytes.option(kOptionEnd, {});
  }

 private:
  std::vector<std::pair<uint16_t, std::string_view>> items_;
  uint32_t size_ = 0;
};

class PcapngEncoder final : public Encoder {
 public:
  PcapngEncoder(ndjson::Output& output, std::string application)
      : output_(output), application_(std::move(application)) {}

  base::Result<void> begin(const std::vector<Interface>& interfaces) override {
    if (!begun_) write_section(interfaces.empty() ? std::string() : interfaces[0].section_comment);
    begun_ = true;
    for (uint32_t i = 0; i < interfaces.size(); ++i) {
      if (interfaces[i].link_type != kLinkCustomBlock) (void)index_of(i, interfaces);
    }
    return {};
  }

  void next_source() override { index_.clear(); }

  base::Result<void> packet(const Frame& frame, const std::vector<Interface>& interfaces) override {
    const uint32_t index = index_of(frame.interface, interfaces);
    if (!frame.has_time && index == 0 && frame.comments.empty() && fits_simple_block(frame)) {
      write_simple(frame);
    } else {
      write_enhanced(frame, index);
    }
    return {};
  }

 private:
  void write_section(const std::string& comment) {
    OptionList options;
    options.add_known(kOptionComment, comment);
    options.add_known(kOptionUserApplication, application_);
    const uint32_t size = 28 + options.size();
    Bytes bytes(output_, size);
    bytes.number(kSectionBlock);
    bytes.number(size);
    bytes.number(kByteOrderMagic);
    bytes.number(uint16_t{1});
    bytes.number(uint16_t{0});
    bytes.number(int64_t{-1});  // section length: not known
    options.write(bytes);
    bytes.number(size);
  }

  /// The number in this file of the source's interface; it is described when it first comes.
  uint32_t index_of(uint32_t in_source, const std::vector<Interface>& interfaces) {
    if (in_source >= index_.size()) index_.resize(in_source + 1, kUnknown);
    uint32_t& index = index_[in_source];
    if (index == kUnknown) index = find_or_write(interfaces[in_source]);
    return index;
  }

  uint32_t find_or_write(const Interface& interface) {
    const auto known = std::ranges::find(written_, interface);
    if (known != written_.end()) return static_cast<uint32_t>(known - written_.begin());
    const std::string resolution(interface.fraction_digits == 9 ? "\x09" : "");
    OptionList options;
    options.add_known(kOptionComment, interface.comment);
    options.add_known(kOptionInterfaceName, interface.name);
    options.add_known(kOptionInterfaceDescription, interface.description);
    options.add_known(kOptionResolution, resolution);
    const uint32_t size = 20 + options.size();
    Bytes bytes(output_, size);
    bytes.number(kInterfaceBlock);
    bytes.number(size);
    bytes.number(interface.link_type);
    bytes.number(uint16_t{0});
    bytes.number(interface.snaplen);
    options.write(bytes);
    bytes.number(size);
    written_.push_back(interface);
    return static_cast<uint32_t>(written_.size() - 1);
  }

  /// A simple block does not say how much of the packet was captured: its reader takes the snaplen for it.
  bool fits_simple_block(const Frame& frame) const {
    const uint32_t snaplen = written_[0].snaplen;
    return frame.data.size() == (snaplen == 0 ? frame.length : std::min(frame.length, snaplen));
  }

  void write_simple(const Frame& frame) {
    const auto size = static_cast<uint32_t>(16 + padded(frame.data.size()));
    Bytes bytes(output_, size);
    bytes.number(kSimplePacketBlock);
    bytes.number(size);
    bytes.number(frame.length);
    bytes.raw(frame.data.data(), frame.data.size());
    bytes.padding(frame.data.size());
    bytes.number(size);
  }

  void write_enhanced(const Frame& frame, uint32_t index) {
    OptionList options;
    for (const std::string& comment : frame.comments) options.add(kOptionComment, comment);
    const int64_t unit_ns = written_[index].fraction_digits == 9 ? 1 : 1000;
    const auto time = static_cast<uint64_t>(std::max<int64_t>(frame.time_ns, 0) / unit_ns);
    const auto size = static_cast<uint32_t>(32 + padded(frame.data.size()) + options.size());
    Bytes bytes(output_, size);
    bytes.number(kEnhancedPacketBlock);
    bytes.number(size);
    bytes.number(index);
    bytes.number(static_cast<uint32_t>(time >> 32));
    bytes.number(static_cast<uint32_t>(time));
    bytes.number(static_cast<uint32_t>(frame.data.size()));
    bytes.number(frame.length);
    bytes.raw(frame.data.data(), frame.data.size());
    bytes.padding(frame.data.size());
    options.write(bytes);
    bytes.number(size);
  }

  ndjson::Output& output_;
  std::string application_;
  bool begun_ = false;
  std::vector<Interface> written_;
  std::vector<uint32_t> index_;  // for written_, by the source's numbers
};

class PcapEncoder final : public Encoder {
 public:
  PcapEncoder(ndjson::Output& output, std::string name) : output_(output), name_(std::move(name)) {}

  base::Result<void> begin(const std::vector<Interface>& interfaces) override {
    if (link_type_) return {};
    const auto real = [](const Interface& i) { return i.link_type != kLinkCustomBlock; };
    const auto first = std::ranges::find_if(interfaces, real);
    link_type_ = first == interfaces.end() ? kLinkEthernet : first->link_type;
    uint32_t snaplen = 0;
    for (const Interface& interface : interfaces) {
      if (real(interface) && interface.fraction_digits == 9) nanoseconds_ = true;
      snaplen = std::max(snaplen, interface.snaplen);
    }
    Bytes bytes(output_, 24);
    bytes.number(nanoseconds_ ? uint32_t{0xa1b23c4d} : uint32_t{0xa1b2c3d4});
    bytes.number(uint16_t{2});
    bytes.number(uint16_t{4});
    bytes.number(uint64_t{0});  // time zone and accuracy, which nobody ever used
    bytes.number(snaplen == 0 ? kSnaplen : snaplen);
    bytes.number(uint32_t{*link_type_});
    return {};
  }

  base::Result<void> packet(const Frame& frame, const std::vector<Interface>& interfaces) override {
    const Interface& interface = interfaces[frame.interface];
    if (interface.link_type != *link_type_) {
      return base::fail(name_ + ": pcap holds one link type, and a packet of type " +
                            std::to_string(interface.link_type) + " came after type " +
                            std::to_string(*link_type_),
                        "write pcapng");
    }
    if (interface.fraction_digits == 9 && !nanoseconds_) {
      return base::fail(name_ + ": pcap has one time resolution, and nanoseconds came after microseconds",
                        "write pcapng");
    }
    constexpr int64_t kLatest = std::numeric_limits<uint32_t>::max() * kNsPerSecond + kNsPerSecond - 1;
    const int64_t time = std::clamp<int64_t>(frame.time_ns, 0, kLatest);
    Bytes bytes(output_, 16 + frame.data.size());
    bytes.number(static_cast<uint32_t>(time / kNsPerSecond));
    bytes.number(static_cast<uint32_t>(time % kNsPerSecond / (nanoseconds_ ? 1 : 1000)));
    bytes.number(static_cast<uint32_t>(frame.data.size()));
    bytes.number(frame.length);
    bytes.raw(frame.data.data(), frame.data.size());
    return {};
  }

 private:
  ndjson::Output& output_;
  std::string name_;
  std::optional<uint16_t> link_type_;  // once the header is written
  bool nanoseconds_ = false;
};

}  // namespace

std::unique_ptr<Encoder> encode_pcapng(ndjson::Output& output, std::string application) {
  return std::make_unique<PcapngEncoder>(output, std::move(application));
}

std::unique_ptr<Encoder> encode_pcap(ndjson::Output& output, std::string name) {
  return std::make_unique<PcapEncoder>(output, std::move(name));
}

}  // namespace wl::capture
