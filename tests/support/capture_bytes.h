#pragma once
// Captures made by hand, byte by byte, and what a Source makes of them.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/capture/byte_source.h"
#include "libcommon/capture/source.h"

namespace wl::test {

using Buffer = std::vector<uint8_t>;

/// Writes numbers in a chosen byte order.
class Maker {
 public:
  explicit Maker(bool big_endian = false) : big_endian_(big_endian) {}
  Maker& u8(uint64_t value) { return number(value, 1); }
  Maker& u16(uint64_t value) { return number(value, 2); }
  Maker& u32(uint64_t value) { return number(value, 4); }
  Maker& u64(uint64_t value) { return number(value, 8); }
  Maker& raw(const Buffer& bytes);
  Maker& text(std::string_view bytes);
  Maker& pad();  ///< zeros up to a multiple of four
  [[nodiscard]] const Buffer& bytes() const { return bytes_; }

 private:
  Maker& number(uint64_t value, int size);
  bool big_endian_;
  Buffer bytes_;
};

/// `size` bytes that differ from place to place.
[[nodiscard]] Buffer packet_bytes(size_t size, uint8_t seed = 0);

struct PcapShape {
  uint32_t magic = 0xa1b2c3d4;
  bool big_endian = false;
  uint32_t extra_header = 0;  ///< bytes of a record's header beyond 16
  uint16_t major = 2;
  uint16_t minor = 4;
  uint32_t snaplen = 65535;
  uint32_t network = 1;
};
[[nodiscard]] Buffer pcap_header(const PcapShape& shape = {});
[[nodiscard]] Buffer pcap_record(const PcapShape& shape, uint32_t seconds, uint32_t fraction,
                                 const Buffer& data, std::optional<uint32_t> captured = {},
                                 std::optional<uint32_t> length = {});

/// pcapng blocks in one byte order.
class Blocks {
 public:
  explicit Blocks(bool big_endian = false) : big_endian_(big_endian) {}
  [[nodiscard]] Maker make() const { return Maker(big_endian_); }
  [[nodiscard]] Buffer block(uint32_t type, const Buffer& body, std::optional<uint32_t> length = {},
                             std::optional<uint32_t> again = {}) const;
  [[nodiscard]] Buffer option(uint16_t code, std::string_view value) const;
  [[nodiscard]] Buffer section(const Buffer& options = {}, uint16_t major = 1, uint16_t minor = 0) const;
  [[nodiscard]] Buffer interface(uint16_t link_type = 1, uint32_t snaplen = 65535,
                                 const Buffer& options = {}) const;
  [[nodiscard]] Buffer packet(uint32_t interface, uint64_t time, const Buffer& data,
                              const Buffer& options = {}, std::optional<uint32_t> captured = {},
                              std::optional<uint32_t> length = {}) const;
  [[nodiscard]] Buffer simple(const Buffer& data, std::optional<uint32_t> length = {}) const;
  [[nodiscard]] Buffer old_packet(uint16_t interface, uint64_t time, const Buffer& data) const;

 private:
  bool big_endian_;
};

[[nodiscard]] Buffer joined(std::initializer_list<Buffer> parts);

/// A copy of a Frame that stays.
struct Packet {
  Buffer data;
  uint32_t length = 0;
  std::optional<int64_t> time_ns;
  uint32_t interface = 0;
  uint64_t offset = 0;
  std::vector<std::string> comments;
  bool operator==(const Packet&) const = default;
};

/// Everything that a source gave until its end or failure.
struct Reading {
  std::vector<Packet> packets;
  std::vector<capture::Interface> interfaces;
  std::string error;  ///< empty: it ended well
  int idles = 0;
};
[[nodiscard]] Reading read_all(base::Result<std::unique_ptr<capture::Source>> source);
/// Of a file with these bytes, called "test".
[[nodiscard]] Reading read_bytes(const Buffer& bytes);
/// The same in pieces of `step` bytes, with an idle moment before each, as from a slow pipe.
[[nodiscard]] Reading read_slowly(const Buffer& bytes, size_t step);

/// A directory that goes with its object.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] std::string path(std::string_view name) const { return path_ + "/" + std::string(name); }
  [[nodiscard]] std::vector<std::string> names() const;  ///< of the files in it, sorted

 private:
  std::string path_;
};

void write_file(const std::string& path, const Buffer& bytes);
[[nodiscard]] Buffer read_file(const std::string& path);

enum class Compression : uint8_t { gzip, zstd, lz4, xz };
[[nodiscard]] Buffer compressed(const Buffer& bytes, Compression how);

}  // namespace wl::test
