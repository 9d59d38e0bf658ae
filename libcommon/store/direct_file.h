#pragma once
// A large new file, written past the page cache.
#include <condition_variable>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>

#include "libcommon/base/error.h"
#include "libcommon/base/fd.h"
#include "libcommon/capture/byte_source.h"

namespace wl::store {

/// Bytes that nobody reads soon go straight to the disk (O_DIRECT): a buffered copy of a large capture costs
/// several times the processor's time, and pushes other files out of memory. Where the file system has no
/// such way, the file is written as any other. A thread waits for the disk while the next block is collected;
/// small files have none. Failures name the path. Not for two threads.
class DirectFile {
 public:
  /// The file must not exist yet; mode 0600.
  [[nodiscard]] static base::Result<std::unique_ptr<DirectFile>> create(const std::string& path);

  /// A failure may be that of bytes before. `block`: the bytes are in it, and are not copied but owned until
  /// they are written, where that can be; null: they are copied.
  [[nodiscard]] base::Result<void> write(const capture::Block& block, std::span<const uint8_t> bytes);
  /// What is left, and fsync.
  [[nodiscard]] base::Result<void> finish();

 private:
  static constexpr size_t kBlock = size_t{1} << 20;

  DirectFile(std::string path, base::Fd file);
  bool set_direct(bool direct);
  base::Result<void> hand_over(const capture::Block& block, std::span<const uint8_t> bytes);
  base::Result<void> wait();
  void run(const std::stop_token& stop);
  base::Result<void> put(std::span<const uint8_t> bytes);

  std::string path_;
  base::Fd file_;
  capture::Block block_;  // bytes that are copied: `used_` of kBlock
  capture::Block other_;  // the next block_
  size_t used_ = 0;
  bool direct_ = false;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  capture::Block owned_;              // what is being written is in it
  std::span<const uint8_t> writing_;  // not empty: by the thread
  base::Result<void> state_;
  std::jthread thread_;  // last: it ends before what it uses
};

}  // namespace wl::store
