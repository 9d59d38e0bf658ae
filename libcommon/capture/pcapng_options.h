#pragma once
// Pieces of pcapng blocks: options and time stamps (draft-ietf-opsawg-pcapng).
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace wl::capture {

inline constexpr uint32_t kSectionBlock = 0x0a0d0d0a;
inline constexpr uint32_t kInterfaceBlock = 1;
inline constexpr uint32_t kOldPacketBlock = 2;
inline constexpr uint32_t kSimplePacketBlock = 3;
inline constexpr uint32_t kEnhancedPacketBlock = 6;
inline constexpr uint32_t kCustomBlock = 0x00000bad;
inline constexpr uint32_t kCustomBlockNoCopy = 0x40000bad;
inline constexpr uint32_t kByteOrderMagic = 0x1a2b3c4d;

inline constexpr uint16_t kOptionEnd = 0;
inline constexpr uint16_t kOptionComment = 1;
inline constexpr uint16_t kOptionInterfaceName = 2;
inline constexpr uint16_t kOptionInterfaceDescription = 3;
inline constexpr uint16_t kOptionUserApplication = 4;
inline constexpr uint16_t kOptionResolution = 9;
inline constexpr uint16_t kOptionTimeOffset = 14;

/// A block's fixed fields and data are filled up to a multiple of four.
[[nodiscard]] constexpr uint64_t padded(uint64_t size) { return (size + 3) & ~uint64_t{3}; }

/// Walks the options of a block.
class Options {
 public:
  struct Option {
    uint16_t code = 0;
    std::span<const uint8_t> value;
    [[nodiscard]] std::string_view text() const;  ///< up to a NUL byte, which some writers add
  };

  Options(std::span<const uint8_t> bytes, bool swap) : rest_(bytes), swap_(swap) {}
  /// The next option; none at the end, which may be one that claims more than is there: then broken().
  [[nodiscard]] std::optional<Option> next();
  [[nodiscard]] bool broken() const { return broken_; }

 private:
  std::span<const uint8_t> rest_;
  bool swap_;
  bool broken_ = false;
};

/// The time stamps of one interface: if_tsresol and if_tsoffset.
class TimeScale {
 public:
  TimeScale() = default;
  /// `resolution` as if_tsresol has it: units of 10^-n seconds, or 2^-n where the top bit is set.
  TimeScale(uint8_t resolution, int64_t offset_s);

  /// Nanoseconds since 1970; none where 64 bits cannot hold them.
  [[nodiscard]] std::optional<int64_t> ns(uint64_t units) const;
  /// 9 where the resolution is finer than a microsecond, else 6.
  [[nodiscard]] int fraction_digits() const;

 private:
  [[nodiscard]] std::optional<int64_t> unmoved_ns(uint64_t units) const;

  bool binary_ = false;
  uint8_t exponent_ = 6;
  uint64_t factor_ = 1000;  // ns in a unit, or units in a ns
  int64_t offset_ns_ = 0;
  bool offset_fits_ = true;
};

}  // namespace wl::capture
