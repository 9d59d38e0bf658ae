#pragma once
// The meta, stats and end records of --meta.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "libcommon/base/error.h"
#include "libcommon/base/time.h"
#include "libcommon/ndjson/output.h"

namespace wl::record {

/// What a tool has counted so far. A count that the tool does not keep stays kNotKept and is left out.
struct StreamCounts {
  static constexpr uint64_t kNotKept = UINT64_MAX;

  uint64_t records = 0;
  uint64_t packets = kNotKept;
  uint64_t bytes = kNotKept;
  uint64_t kernel_dropped = kNotKept;
  uint64_t interface_dropped = kNotKept;
  uint64_t reader_dropped = kNotKept;
  uint64_t lost = kNotKept;
  uint64_t skipped = kNotKept;
};

/// Writes the three records; `ts` is the wall clock's, in the format that the stream's other times have.
class StreamWriter {
 public:
  StreamWriter(ndjson::Output& out, base::TimeFormat format) : out_(out), time_(format) {}

  void meta(std::string_view tool, std::string_view version, std::span<const std::string> sources,
            std::span<const std::string> options);
  void stats(const StreamCounts& counts);
  void end(std::string_view reason, base::Exit status, const StreamCounts& counts);

 private:
  char* begin(std::string_view type, size_t room);
  void finish(char* at);

  ndjson::Output& out_;
  base::TimeText time_;
};

}  // namespace wl::record
