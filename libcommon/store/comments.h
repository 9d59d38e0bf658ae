#pragma once
// What the capture's writer noted about a packet.
#include <string>
#include <vector>

#include "libcommon/base/error.h"
#include "libcommon/capture/source.h"
#include "libcommon/store/reader.h"

namespace wl::store {

/// The comments (opt_comment) of the packet whose captured bytes are `frame`, in their order, as bytes; none
/// where the original is no pcapng.
[[nodiscard]] base::Result<std::vector<std::string>> packet_comments(const Capture& capture,
                                                                     const capture::Frame& frame);

}  // namespace wl::store
