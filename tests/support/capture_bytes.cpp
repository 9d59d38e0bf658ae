#include "tests/support/capture_bytes.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <archive.h>
#include <archive_entry.h>

#include "libcommon/capture/open.h"

namespace wl::test {
namespace {

/// Bytes in memory, given out in steps.
class MemoryBytes final : public capture::ByteSource {
 public:
  MemoryBytes(Buffer bytes, size_t step, bool slow) : bytes_(std::move(bytes)), step_(step), slow_(slow) {}

  base::Result<Got> read(std::span<uint8_t> room) override {
    if (slow_ && !std::exchange(rested_, true)) return Got{capture::Fill::idle, 0};
    rested_ = false;
    const size_t size = std::min({room.size(), step_, bytes_.size() - at_});
    std::copy_n(bytes_.begin() + static_cast<ptrdiff_t>(at_), size, room.begin());
    at_ += size;
    return Got{size > 0 ? capture::Fill::ready : capture::Fill::end, size};
  }
  bool can_idle() const override { return slow_; }

 private:
  Buffer bytes_;
  size_t step_;
  bool slow_;
  bool rested_ = false;
  size_t at_ = 0;
};

}  // namespace

Maker& Maker::number(uint64_t value, int size) {
  for (int i = 0; i < size; ++i) {
    bytes_.push_back(static_cast<uint8_t>(value >> (8 * (big_endian_ ? size - 1 - i : i))));
  }
  return *this;
}

Maker& Maker::raw(const Buffer& bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return *this;
}

Maker& Maker::text(std::string_view bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return *this;
}

Maker& Maker::pad() {
  bytes_.resize((bytes_.size() + 3) / 4 * 4);
  return *this;
}

Buffer packet_bytes(size_t size, uint8_t seed) {
  Buffer bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 7 + i / 256 + seed);
  return bytes;
}

Buffer pcap_header(const PcapShape& shape) {
  return Maker(shape.big_endian)
      .u32(shape.magic)
      .u16(shape.major)
      .u16(shape.minor)
      .u64(0)
      .u32(shape.snaplen)
      .u32(shape.network)
      .bytes();
}

Buffer pcap_record(const PcapShape& shape, uint32_t seconds, uint32_t fraction, const Buffer& data,
                   std::optional<uint32_t> captured, std::optional<uint32_t> length) {
  const auto size = static_cast<uint32_t>(data.size());
  return Maker(shape.big_endian)
      .u32(seconds)
      .u32(fraction)
      .u32(captured.value_or(size))
      .u32(length.value_or(size))
      .raw(Buffer(shape.extra_header, 0xee))
      .raw(data)
      .bytes();
}

Buffer Blocks::block(uint32_t type, const Buffer& body, std::optional<uint32_t> length,
                     std::optional<uint32_t> again) const {
  const Buffer whole = make().raw(body).pad().bytes();
  const auto size = length.value_or(static_cast<uint32_t>(12 + whole.size()));
  return make().u32(type).u32(size).raw(whole).u32(again.value_or(size)).bytes();
}

Buffer Blocks::option(uint16_t code, std::string_view value) const {
  return make().u16(code).u16(value.size()).text(value).pad().bytes();
}

Buffer Blocks::section(const Buffer& options, uint16_t major, uint16_t minor) const {
  return block(0x0a0d0d0a,
               make().u32(0x1a2b3c4d).u16(major).u16(minor).u64(~uint64_t{0}).raw(options).bytes());
}

Buffer Blocks::interface(uint16_t link_type, uint32_t snaplen, const Buffer& options) const {
  return block(1, make().u16(link_type).u16(0).u32(snaplen).raw(options).bytes());
}

Buffer Blocks::packet(uint32_t interface, uint64_t time, const Buffer& data, const Buffer& options,
                      std::optional<uint32_t> captured, std::optional<uint32_t> length) const {
  const auto size = static_cast<uint32_t>(data.size());
  return block(6, make()
                      .u32(interface)
                      .u32(time >> 32)
                      .u32(time)
                      .u32(captured.value_or(size))
                      .u32(length.value_or(size))
                      .raw(data)
                      .pad()
                      .raw(options)
                      .bytes());
}

Buffer Blocks::simple(const Buffer& data, std::optional<uint32_t> length) const {
  return block(3, make().u32(length.value_or(static_cast<uint32_t>(data.size()))).raw(data).bytes());
}

Buffer Blocks::old_packet(uint16_t interface, uint64_t time, const Buffer& data) const {
  return block(2, make()
                      .u16(interface)
                      .u16(7)  // drops
                      .u32(time >> 32)
                      .u32(time)
                      .u32(data.size())
                      .u32(data.size())
                      .raw(data)
                      .bytes());
}

Buffer joined(std::initializer_list<Buffer> parts) {
  Buffer all;
  for (const Buffer& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Reading read_all(base::Result<std::unique_ptr<capture::Source>> source) {
  Reading reading;
  if (!source) {
    reading.error = source.error().line();
    return reading;
  }
  for (;;) {
    capture::Frame frame;
    const auto next = (*source)->next(frame);
    if (!next) reading.error = next.error().line();
    if (!next || *next == capture::Next::end) break;
    if (*next == capture::Next::idle) {
      ++reading.idles;
      continue;
    }
    reading.packets.push_back({Buffer(frame.data.begin(), frame.data.end()), frame.length,
                               frame.has_time ? std::optional(frame.time_ns) : std::nullopt, frame.interface,
                               frame.offset,
                               std::vector<std::string>(frame.comments.begin(), frame.comments.end())});
  }
  reading.interfaces = (*source)->interfaces();
  return reading;
}

Reading read_bytes(const Buffer& bytes) {
  return read_all(capture::open_bytes(std::make_unique<MemoryBytes>(bytes, SIZE_MAX, false), "test"));
}

Reading read_slowly(const Buffer& bytes, size_t step) {
  return read_all(capture::open_bytes(std::make_unique<MemoryBytes>(bytes, step, true), "test"));
}

TemporaryDirectory::TemporaryDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "wireline-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
  path_ = pattern;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::vector<std::string> TemporaryDirectory::names() const {
  std::vector<std::string> all;
  for (const auto& entry : std::filesystem::directory_iterator(path_)) all.push_back(entry.path().filename());
  std::ranges::sort(all);
  return all;
}

void write_file(const std::string& path, const Buffer& bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

Buffer read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return Buffer(std::istreambuf_iterator<char>(file), {});
}

Buffer compressed(const Buffer& bytes, Compression how) {
  const std::unique_ptr<archive, decltype(&archive_write_free)> made(archive_write_new(), archive_write_free);
  archive* a = made.get();
  switch (how) {
    case Compression::gzip: archive_write_add_filter_gzip(a); break;
    case Compression::zstd: archive_write_add_filter_zstd(a); break;
    case Compression::lz4: archive_write_add_filter_lz4(a); break;
    case Compression::xz: archive_write_add_filter_xz(a); break;
  }
  archive_write_set_format_raw(a);
  archive_write_set_bytes_in_last_block(a, 1);
  Buffer out(bytes.size() + (1 << 16));
  size_t used = 0;
  archive_write_open_memory(a, out.data(), out.size(), &used);
  archive_entry* entry = archive_entry_new();
  archive_entry_set_filetype(entry, AE_IFREG);
  archive_write_header(a, entry);
  archive_entry_free(entry);
  archive_write_data(a, bytes.data(), bytes.size());
  if (archive_write_close(a) != ARCHIVE_OK) throw std::runtime_error(archive_error_string(a));
  out.resize(used);
  return out;
}

}  // namespace wl::test
