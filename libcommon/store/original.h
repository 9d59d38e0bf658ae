#pragma once
// A capture's bytes on their way into the store: hashed and copied while they are read.
#include <functional>
#include <memory>
#include <string>

#include "libcommon/capture/byte_source.h"
#include "libcommon/store/direct_file.h"

namespace wl::store {

/// What was read of an original, uncompressed.
class Original {
 public:
  /// Reads `path`; what is compressed is uncompressed. `copy`: a new file for the bytes; empty: none is made,
  /// nor, with `only_compressed`, of what is not.
  [[nodiscard]] static base::Result<std::shared_ptr<Original>> open(const std::string& path,
                                                                    const std::string& copy,
                                                                    bool only_compressed);
  ~Original();

  /// Its bytes, once, for capture::open_bytes(); reads ahead in a thread of its own.
  [[nodiscard]] std::unique_ptr<capture::ByteSource> bytes();
  /// Reads what the capture's reader left, and hands the copy to the disk. A failure to read what is
  /// compressed is `cut`; a failure to write the copy is a failure. `give_up` is asked often.
  [[nodiscard]] base::Result<void> finish(const std::function<bool()>& give_up = {});

  [[nodiscard]] const std::string& sha256() const { return sha256_; }  ///< after finish(): 64 digits
  [[nodiscard]] uint64_t size() const { return size_; }
  [[nodiscard]] bool compressed() const { return compressed_; }
  [[nodiscard]] bool copied() const { return copy_ != nullptr; }
  [[nodiscard]] const std::string& cut() const { return cut_; }

  Original(const Original&) = delete;
  Original& operator=(const Original&) = delete;

 private:
  Original();
  base::Result<capture::ByteSource::Got> read(const capture::Block& block, std::span<uint8_t> room);
  friend class OriginalBytes;

  std::unique_ptr<capture::ByteSource> source_;
  std::unique_ptr<DirectFile> copy_;
  struct Digest;
  std::unique_ptr<Digest> digest_;
  base::Error write_failure_;
  std::string sha256_, cut_;
  uint64_t size_ = 0;
  bool compressed_ = false;
  bool ended_ = false;
};

}  // namespace wl::store
