// gzip by zlib itself: libarchive 3.6 does not check a member's CRC.
#include <algorithm>
#include <array>

#include <zlib.h>

#include "libcommon/capture/codec.h"

namespace wl::capture {
namespace {

constexpr int kGzip = MAX_WBITS + 16;  // zlib: with gzip's header and trailer
constexpr size_t kInputSize = size_t{256} << 10;

class GzipCodec final : public Codec {
 public:
  GzipCodec(std::unique_ptr<ByteSource> bytes, std::stop_token stop)
      : bytes_(std::move(bytes)), stop_(std::move(stop)), input_(new uint8_t[kInputSize]) {
    ready_ = inflateInit2(&stream_, kGzip) == Z_OK;
  }
  ~GzipCodec() override {
    if (ready_) inflateEnd(&stream_);
  }
  GzipCodec(const GzipCodec&) = delete;
  GzipCodec& operator=(const GzipCodec&) = delete;

  Got read(std::span<uint8_t> room) override {
    if (!ready_) return {.failure = "out of memory"};
    stream_.next_out = room.data();
    stream_.avail_out = static_cast<uInt>(room.size());
    while (stream_.avail_out > 0) {
      if (stream_.avail_in == 0) {
        const auto got = bytes_->read({input_.get(), kInputSize});
        if (!got) return done(room, got.error().text);
        if (stop_.stop_requested()) return {.end = true};
        if (got->state == Fill::end) return at_end(room);
        if (got->state == Fill::idle && stream_.avail_out < room.size()) break;
        stream_.next_in = input_.get();
        stream_.avail_in = static_cast<uInt>(got->size);
        continue;
      }
      if (between_members_ && !begin_member()) continue;
      const int status = inflate(&stream_, Z_NO_FLUSH);
      if (status == Z_STREAM_END) {
        between_members_ = true;
      } else if (status != Z_OK && status != Z_BUF_ERROR) {
        return done(room,
                    std::string("damaged gzip data: ") + (stream_.msg != nullptr ? stream_.msg : "unknown"));
      }
    }
    return {.size = room.size() - stream_.avail_out};
  }

 private:
  /// Members follow each other; zeros between them fill up tape blocks.
  bool begin_member() {
    if (*stream_.next_in == 0) {
      ++stream_.next_in;
      --stream_.avail_in;
      return false;
    }
    inflateReset(&stream_);
    between_members_ = false;
    return true;
  }

  Got done(std::span<uint8_t> room, std::string failure) const {
    return {room.size() - stream_.avail_out, false, std::move(failure)};
  }

  Got at_end(std::span<uint8_t> room) const {
    if (!between_members_) return done(room, "cut short in the middle of gzip data");
    return {room.size() - stream_.avail_out, true, {}};
  }

  std::unique_ptr<ByteSource> bytes_;
  std::stop_token stop_;
  std::unique_ptr<uint8_t[]> input_;
  z_stream stream_{};
  bool ready_ = false;
  bool between_members_ = false;
};

}  // namespace

std::unique_ptr<Codec> gzip_codec(std::unique_ptr<ByteSource> bytes, std::stop_token stop) {
  return std::make_unique<GzipCodec>(std::move(bytes), std::move(stop));
}

}  // namespace wl::capture
