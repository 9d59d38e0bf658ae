#pragma once
// Reader of pcap files: microseconds and nanoseconds, both byte orders, Kuznetzov's variant.
#include <memory>

#include "libcommon/capture/source.h"
#include "libcommon/capture/window.h"

namespace wl::capture {

inline constexpr size_t kPcapHeaderSize = 24;
/// What a file's dialect is guessed from: three packets of the largest size with their headers.
inline constexpr size_t kPcapSampleSize = 3 * ((256 << 10) + 28);

/// Whether a file that begins with these 8 bytes is a pcap file.
[[nodiscard]] bool is_pcap(const uint8_t* header);

/// A reader for the file whose header, kPcapHeaderSize bytes, stands in the window.
[[nodiscard]] base::Result<std::unique_ptr<Source>> read_pcap(Window window);

}  // namespace wl::capture
