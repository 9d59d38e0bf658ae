#pragma once
// The ways to understand lines of input: packets, any records, our own windows.
#include <cstdint>
#include <string>
#include <string_view>

#include "libcommon/base/log.h"
#include "libcommon/ndjson/fields.h"
#include "tools/netwindow/report.h"
#include "tools/netwindow/windows.h"

namespace wl::netwindow {

/// Everything that the inputs write to and are made of; all of it outlives them.
struct Stage {
  const WindowClock& clock;
  Windows& windows;
  Aside& aside;
  Names& names;
  base::Log& log;
};

class Input {
 public:
  virtual ~Input() = default;

  /// Takes one line, behind which ndjson::kPadding bytes can be read. False: it is skipped, and complaint()
  /// tells why.
  [[nodiscard]] virtual bool take(std::string_view line) = 0;
  /// Nothing to read right now; `wall` is the time of day.
  virtual void idle(int64_t wall) = 0;
  /// The end of the input: closes all windows.
  virtual void finish() = 0;

  [[nodiscard]] const std::string& complaint() const { return complaint_; }
  /// Records that were windowed, or were late or without a time.
  [[nodiscard]] uint64_t records() const { return records_; }
  /// Those of them that were late.
  [[nodiscard]] uint64_t late() const { return late_; }

 protected:
  [[nodiscard]] bool refuse(std::string complaint) {
    complaint_ = std::move(complaint);
    return false;
  }

  uint64_t records_ = 0;
  uint64_t late_ = 0;

 private:
  std::string complaint_;
};

/// What a stream's own records (meta, stats, end) tell of packets that were lost before us.
class Upstream {
 public:
  void meta(Aside& aside) {
    told_ = 0;
    if (!aside.lost) aside.lost = 0;
  }
  /// `lost` is a running total, in stats and end records.
  void counts(const ndjson::Value& lost, Aside& aside);

 private:
  uint64_t told_ = 0;
};

}  // namespace wl::netwindow
