#pragma once
// From a descriptor to an input: skipped lines, idle times, the stream's own records.
#include <span>
#include <string>
#include <string_view>

#include "libcommon/base/log.h"
#include "libcommon/ndjson/output.h"
#include "libcommon/ndjson/reader.h"
#include "libcommon/record/stream_writer.h"
#include "tools/netwindow/input.h"

namespace wl::netwindow {

class Pump {
 public:
  /// What it works on; all of it outlives it.
  struct Parts {
    Input& input;
    const Report& report;
    ndjson::Output& out;
    base::Log& log;
    bool strict = false;  ///< stop at the first line that has to be skipped
    bool meta = false;    ///< write meta, stats and end
  };

  explicit Pump(const Parts& parts)
      : parts_(parts), skipped_(parts.log, "line"), stream_(parts.out, base::TimeFormat::rfc3339) {}

  void begin(std::string_view version, std::span<const std::string> arguments);
  /// Reads `fd` to its end, or until our reader has gone; closes all windows.
  void read(int fd);
  /// Writes what is left; the exit status.
  [[nodiscard]] base::Exit end();

 private:
  void handle(ndjson::LineState state, const ndjson::Line& line);
  void tick();
  void skip(const ndjson::Line& line, const std::string& reason);
  [[nodiscard]] record::StreamCounts counts() const;

  Parts parts_;
  base::SkipReport skipped_;
  record::StreamWriter stream_;
  bool failed_ = false;
  uint64_t lines_ = 0;
  int64_t next_stats_ns_ = 0;
};

}  // namespace wl::netwindow
