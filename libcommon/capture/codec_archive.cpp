#include <algorithm>
#include <cerrno>
#include <cstring>

#include <archive.h>
#include <archive_entry.h>

#include "libcommon/capture/codec.h"

namespace wl::capture {
namespace {

constexpr size_t kInputSize = size_t{256} << 10;

/// libarchive's filters over a ByteSource; its "raw" format is the uncompressed stream.
class ArchiveCodec final : public Codec {
 public:
  ArchiveCodec(std::unique_ptr<ByteSource> bytes, std::stop_token stop)
      : bytes_(std::move(bytes)),
        stop_(std::move(stop)),
        input_(new uint8_t[kInputSize]),
        archive_(archive_read_new(), archive_read_free) {}

  Got read(std::span<uint8_t> room) override {
    if (!archive_) return {.failure = "out of memory"};
    if (!opened_ && !open()) return failure();
    while (block_.empty()) {
      const void* data = nullptr;
      size_t size = 0;
      la_int64_t offset = 0;
      const int status = archive_read_data_block(archive_.get(), &data, &size, &offset);
      if (status == ARCHIVE_EOF || stop_.stop_requested()) return {.end = true};
      if (status != ARCHIVE_OK && status != ARCHIVE_WARN) return failure();
      block_ = {static_cast<const uint8_t*>(data), size};
    }
    const size_t size = std::min(room.size(), block_.size());
    std::memcpy(room.data(), block_.data(), size);
    block_ = block_.subspan(size);
    return {.size = size};
  }

 private:
  bool open() {
    opened_ = true;
    archive* a = archive_.get();
    archive_entry* entry = nullptr;
    return archive_read_support_filter_zstd(a) == ARCHIVE_OK &&
           archive_read_support_filter_lz4(a) == ARCHIVE_OK &&
           archive_read_support_filter_xz(a) == ARCHIVE_OK &&
           archive_read_support_format_raw(a) == ARCHIVE_OK &&
           archive_read_open(a, this, nullptr, &ArchiveCodec::more, nullptr) == ARCHIVE_OK &&
           archive_read_next_header(a, &entry) == ARCHIVE_OK;
  }

  Got failure() const {
    const char* text = archive_error_string(archive_.get());
    return {.failure =
                std::string("damaged or cut compressed data: ") + (text != nullptr ? text : "unknown")};
  }

  static la_ssize_t more(archive* a, void* self, const void** data) {
    auto& codec = *static_cast<ArchiveCodec*>(self);
    *data = codec.input_.get();
    for (;;) {
      const auto got = codec.bytes_->read({codec.input_.get(), kInputSize});
      if (!got) {
        archive_set_error(a, EIO, "%s", got.error().text.c_str());
        return -1;
      }
      if (codec.stop_.stop_requested()) return 0;
      if (got->state != Fill::idle) return static_cast<la_ssize_t>(got->size);
    }
  }

  std::unique_ptr<ByteSource> bytes_;
  std::stop_token stop_;
  std::unique_ptr<uint8_t[]> input_;
  std::unique_ptr<archive, decltype(&archive_read_free)> archive_;
  bool opened_ = false;
  std::span<const uint8_t> block_;  // libarchive's, until the next one
};

}  // namespace

std::unique_ptr<Codec> archive_codec(std::unique_ptr<ByteSource> bytes, std::stop_token stop) {
  return std::make_unique<ArchiveCodec>(std::move(bytes), std::move(stop));
}

}  // namespace wl::capture
