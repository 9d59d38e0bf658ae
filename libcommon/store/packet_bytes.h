#pragma once
// The bytes of packets, from a capture's original.
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "libcommon/base/error.h"
#include "libcommon/base/fd.h"
#include "libcommon/store/reader.h"

namespace wl::store {

/// Reads ahead where packets are asked for one behind the other. Not for two threads.
class PacketBytes {
 public:
  /// An original that is gone, or that was not copied and has changed since, is a failure.
  [[nodiscard]] static base::Result<PacketBytes> open(const Capture& capture);

  /// `size` bytes at `offset`, good until the next call. What is not all in the file is a failure.
  [[nodiscard]] base::Result<std::span<const uint8_t>> read(uint64_t offset, uint32_t size);

 private:
  PacketBytes(std::string path, base::Fd file, uint64_t size)
      : path_(std::move(path)), file_(std::move(file)), size_(size) {}
  base::Result<void> fill(uint64_t offset, size_t size);

  std::string path_;
  base::Fd file_;
  uint64_t size_;
  std::vector<uint8_t> buffer_;
  uint64_t begin_ = 0;  // of the buffer in the file
  size_t ahead_ = 0;    // read beyond what is asked for
};

}  // namespace wl::store
