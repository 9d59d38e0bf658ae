#pragma once
// Reads a file's next blocks while the one before is being parsed.
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <thread>

#include "libcommon/capture/byte_source.h"

namespace wl::capture {

/// Adds begin_read() to a source that never idles. The copy out of the page cache is a quarter of the time
/// that a large file takes; with it on the other core, parsing does not wait for it. The thread starts at the
/// first begin_read(): small files have none.
class ReadAhead final : public ByteSource {
 public:
  explicit ReadAhead(std::unique_ptr<ByteSource> file) : file_(std::move(file)) {}

  [[nodiscard]] base::Result<Got> read(std::span<uint8_t> room) override { return read_into({}, room); }
  [[nodiscard]] base::Result<Got> read_into(const Block& block, std::span<uint8_t> room) override;
  [[nodiscard]] bool can_idle() const override { return false; }
  [[nodiscard]] bool reads_ahead() const override { return true; }
  void begin_read(const Block& block, std::span<uint8_t> room) override;

 private:
  struct Asked {
    Block block;
    std::span<uint8_t> room;
  };
  void run(const std::stop_token& stop);

  std::unique_ptr<ByteSource> file_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Asked> asked_;                 // the first is being read into
  std::deque<base::Result<Got>> answered_;  // of the rooms before those
  std::jthread thread_;                     // last: it ends before what it uses
};

}  // namespace wl::capture
