#include "libcommon/capture/compressed.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <system_error>
#include <thread>

#include "libcommon/base/signals.h"
#include "libcommon/capture/codec.h"

namespace wl::capture {
namespace {

constexpr std::array<uint8_t, 2> kGzip{0x1f, 0x8b};
constexpr std::array<uint8_t, 4> kZstd{0x28, 0xb5, 0x2f, 0xfd};
constexpr std::array<uint8_t, 4> kLz4{0x04, 0x22, 0x4d, 0x18};
constexpr std::array<uint8_t, 6> kXz{0xfd, '7', 'z', 'X', 'Z', 0x00};

bool begins_with(std::span<const uint8_t> bytes, std::span<const uint8_t> magic) {
  return bytes.size() >= magic.size() && std::equal(magic.begin(), magic.end(), bytes.begin());
}

std::span<const uint8_t> bytes_in(const Window& window) { return {window.data(), window.size()}; }

/// Runs a codec in a thread; a few slots go round between it and the reader.
class Decompressed final : public ByteSource {
 public:
  Decompressed(Window window, bool gzip) : can_idle_(window.can_idle()) {
    for (Slot& slot : slots_) slot.bytes.reset(new uint8_t[kSlotSize]);
    thread_ =
        std::jthread([this, gzip, bytes = bytes_of(std::move(window))](const std::stop_token& stop) mutable {
          run(gzip ? gzip_codec(std::move(bytes), stop) : archive_codec(std::move(bytes), stop), stop);
        });
  }

  base::Result<Got> read(std::span<uint8_t> room) override {
    std::unique_lock lock(mutex_);
    const auto some = [this] { return taken_ != made_; };
    if (!can_idle_) {
      full_.wait(lock, some);
    } else if (!full_.wait_for(lock, std::chrono::milliseconds(was_idle_ ? kWaitMs : 0), some)) {
      was_idle_ = true;
      return Got{Fill::idle, 0};
    }
    was_idle_ = false;
    Slot& slot = slots_[taken_ % kSlots];
    lock.unlock();  // the slot is the reader's until taken_ moves on
    const size_t size = std::min(room.size(), slot.got.size - used_);
    std::memcpy(room.data(), slot.bytes.get() + used_, size);
    used_ += size;
    if (size > 0) {
      if (used_ == slot.got.size && !slot.last()) give_back();
      return Got{Fill::ready, size};
    }
    if (!slot.got.failure.empty()) return base::fail(slot.got.failure);
    return Got{Fill::end, 0};
  }

  bool can_idle() const override { return can_idle_; }

 private:
  static constexpr size_t kSlots = 4;
  static constexpr size_t kSlotSize = size_t{256} << 10;
  static constexpr int kWaitMs = 100;

  struct Slot {
    std::unique_ptr<uint8_t[]> bytes;
    Codec::Got got;
    [[nodiscard]] bool last() const { return got.end || !got.failure.empty(); }
  };

  void give_back() {
    used_ = 0;
    {
      const std::lock_guard lock(mutex_);
      ++taken_;
    }
    free_.notify_one();
  }

  void run(std::unique_ptr<Codec> codec, const std::stop_token& stop) {
    for (bool last = false; !last;) {
      {
        std::unique_lock lock(mutex_);
        if (!free_.wait(lock, stop, [this] { return made_ - taken_ < kSlots; })) return;
      }
      Slot& slot = slots_[made_ % kSlots];
      slot.got = codec->read({slot.bytes.get(), kSlotSize});
      last = slot.last();
      if (slot.got.size == 0 && !last) continue;
      {
        const std::lock_guard lock(mutex_);
        ++made_;
      }
      full_.notify_one();
    }
  }

  const bool can_idle_;
  bool was_idle_ = false;
  std::array<Slot, kSlots> slots_;
  size_t used_ = 0;  // of the slot that is being read
  std::mutex mutex_;
  std::condition_variable full_;
  std::condition_variable_any free_;
  size_t made_ = 0;
  size_t taken_ = 0;
  std::jthread thread_;  // last: it ends before what it uses
};

}  // namespace

bool is_compressed(std::span<const uint8_t> bytes) {
  return begins_with(bytes, kGzip) || begins_with(bytes, kZstd) || begins_with(bytes, kLz4) ||
         begins_with(bytes, kXz);
}

bool is_compressed(const Window& window) { return is_compressed(bytes_in(window)); }

base::Result<std::unique_ptr<ByteSource>> decompress(Window window) {
  const std::string name = window.name();
  const bool gzip = begins_with(bytes_in(window), kGzip);
  try {
    const base::SignalsBlocked blocked;
    return std::make_unique<Decompressed>(std::move(window), gzip);
  } catch (const std::system_error& error) {
    return base::fail(name + ": no thread to decompress it: " + error.what());
  }
}

}  // namespace wl::capture
