#pragma once
// One packet handed to tshark.
#include <string>
#include <vector>

#include "libcommon/base/error.h"
#include "libcommon/capture/source.h"

namespace wl::pcapquery {

/// What `tshark -V` says of the packet. Exit::no: it is not installed. The packet is written to a file of
/// $TMPDIR, which goes.
[[nodiscard]] base::Result<std::string> dissect_with_tshark(
    const capture::Frame& frame, const std::vector<capture::Interface>& interfaces);

}  // namespace wl::pcapquery
