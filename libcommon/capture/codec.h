#pragma once
// Decompressors, as plain blocking readers.
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>

#include "libcommon/capture/byte_source.h"

namespace wl::capture {

class Codec {
 public:
  struct Got {
    size_t size = 0;
    bool end = false;       ///< nothing follows
    std::string failure{};  ///< the cause, if what follows cannot be read; the bytes before it are good
  };
  virtual ~Codec() = default;
  /// Fills `room` as far as it can without making the reader of a slow pipe wait.
  [[nodiscard]] virtual Got read(std::span<uint8_t> room) = 0;
};

/// Both read `bytes` until `stop` is requested.
[[nodiscard]] std::unique_ptr<Codec> gzip_codec(std::unique_ptr<ByteSource> bytes, std::stop_token stop);
/// zstd, lz4, xz.
[[nodiscard]] std::unique_ptr<Codec> archive_codec(std::unique_ptr<ByteSource> bytes, std::stop_token stop);

}  // namespace wl::capture
