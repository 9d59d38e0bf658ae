#pragma once
// Reader of pcapng files: several sections, interfaces, byte orders; unknown blocks are passed over.
#include <memory>

#include "libcommon/capture/source.h"
#include "libcommon/capture/window.h"

namespace wl::capture {

inline constexpr size_t kPcapngMagicSize = 12;

/// Whether a file that begins with these 12 bytes is a pcapng file.
[[nodiscard]] bool is_pcapng(const uint8_t* head);

/// A reader for the file that begins in the window.
[[nodiscard]] std::unique_ptr<Source> read_pcapng(Window window);

}  // namespace wl::capture
