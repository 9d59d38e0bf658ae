#pragma once
// Compressed captures: gzip, zstd, lz4, xz.
#include <memory>
#include <span>

#include "libcommon/capture/byte_source.h"
#include "libcommon/capture/window.h"

namespace wl::capture {

/// The most bytes that tell a compression.
inline constexpr size_t kCompressionMagicSize = 6;

/// Whether a file that begins with these bytes is compressed in a known way.
[[nodiscard]] bool is_compressed(std::span<const uint8_t> bytes);
/// Whether what stands in the window is compressed in a known way.
[[nodiscard]] bool is_compressed(const Window& window);

/// The uncompressed bytes of what stands in the window and comes after it. A thread of its own decompresses
/// ahead of the reader by a few MiB; it ends with the source, after at most 100 ms where a pipe is silent.
/// What could be decompressed before a damaged or cut place is delivered before the failure.
[[nodiscard]] base::Result<std::unique_ptr<ByteSource>> decompress(Window window);

}  // namespace wl::capture
