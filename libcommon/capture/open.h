#pragma once
// Opens captures: the container and its compression are recognised by their first bytes.
#include <memory>
#include <string>

#include "libcommon/base/fd.h"
#include "libcommon/capture/byte_source.h"
#include "libcommon/capture/source.h"

namespace wl::capture {

/// A source for a pcap or pcapng file, plain or compressed (gzip, zstd, lz4, xz); "-" is `standard_input`,
/// which stays open. A file's header is read now; a pipe's by next(), so that a silent one does not hold up
/// the caller: until then interfaces() is empty, and failures to recognise it come from next().
[[nodiscard]] base::Result<std::unique_ptr<Source>> open_file(const std::string& path,
                                                              int standard_input = 0);

/// The same for bytes from anywhere; `name` stands in messages.
[[nodiscard]] base::Result<std::unique_ptr<Source>> open_bytes(std::unique_ptr<ByteSource> bytes,
                                                               std::string name);

}  // namespace wl::capture
