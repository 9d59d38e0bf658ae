#pragma once
// Any records into windows: --time and --sum.
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/netwindow/input.h"
#include "tools/netwindow/key.h"
#include "tools/netwindow/values.h"

namespace wl::netwindow {

/// Counts records and adds up fields. A field that is not there, null, "" or "-" (as web servers write
/// nothing) adds nothing. In a stream that begins with our `meta` record, its own records are not counted.
class GenericInput : public Input {
 public:
  struct Wanted {
    std::string_view time;              ///< field of the event time
    std::span<const std::string> sums;  ///< fields to add up
    std::string_view by;                ///< as KeySpec has it
  };

  [[nodiscard]] static base::Result<std::unique_ptr<Input>> make(const Stage& stage, const Wanted& wanted);

  [[nodiscard]] bool take(std::string_view line) override;
  void idle(int64_t wall) override { stage_.windows.idle(wall, newest_); }
  void finish() override { stage_.windows.finish(); }

 private:
  GenericInput(const Stage& stage, const Wanted& wanted, const Paths& paths, KeySpec spec);

  /// Takes what belongs to the stream itself; false: it is a data record.
  [[nodiscard]] bool stream_record();
  [[nodiscard]] bool read_sums();

  Stage stage_;
  std::string time_name_;
  std::vector<std::string> sum_names_;
  size_t type_, tool_, lost_, time_;
  std::vector<size_t> sums_;
  ndjson::Fields fields_;
  KeySpec spec_;
  Hasher hasher_;
  TimeReader times_;
  Upstream upstream_;
  bool first_ = true;
  bool has_meta_ = false;
  int64_t newest_ = INT64_MIN;
  Totals totals_;  // of the record at hand
};

}  // namespace wl::netwindow
