#pragma once
// Where a capture's bytes come from: a file, a pipe, or what a decompressor makes of them.
#include <cstdint>
#include <memory>
#include <span>

#include "libcommon/base/error.h"
#include "libcommon/base/fd.h"

namespace wl::capture {

enum class Fill : uint8_t {
  ready,  ///< bytes came
  idle,   ///< none can be read right now
  end,    ///< there are no more
};

/// Memory that captures are read into. It begins at a multiple of kBlockAlignment, more than which no disk
/// asks for: a copy of the capture can go to the disk from where it stands.
using Block = std::shared_ptr<uint8_t[]>;
inline constexpr size_t kBlockAlignment = 4096;
[[nodiscard]] Block new_block(size_t size);

class ByteSource {
 public:
  struct Got {
    Fill state = Fill::end;
    size_t size = 0;  ///< bytes written into the room, at least 1 where `ready`
  };

  virtual ~ByteSource() = default;
  /// Reads up to room.size() bytes. Where nothing can be read it says `idle` at once; the call after that
  /// waits at most 100 ms. The failure's text is the cause alone.
  [[nodiscard]] virtual base::Result<Got> read(std::span<uint8_t> room) = 0;
  /// Whether read() can say `idle`: a pipe, a socket, a terminal.
  [[nodiscard]] virtual bool can_idle() const = 0;

  /// As read(), into a room of `block`. The source may own the block beyond the call: as long as it does, the
  /// bytes in the room must not be changed.
  [[nodiscard]] virtual base::Result<Got> read_into(const Block& /*block*/, std::span<uint8_t> room) {
    return read(room);
  }

  /// Whether begin_read() may be called.
  [[nodiscard]] virtual bool reads_ahead() const { return false; }
  /// Begins to read into `room` of `block` while the caller goes on. Several rooms are filled in the order in
  /// which they came; each has to be given to a read() of its own, in that order, which waits for it.
  virtual void begin_read(const Block& /*block*/, std::span<uint8_t> /*room*/) {}
};

/// The bytes of a descriptor, which may be non-blocking. Fails for a directory.
[[nodiscard]] base::Result<std::unique_ptr<ByteSource>> bytes_of(base::Fd fd);

}  // namespace wl::capture
