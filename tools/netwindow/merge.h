#pragma once
// Our own records into windows: of several sensors, or of shorter windows.
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/netwindow/input.h"
#include "tools/netwindow/key.h"
#include "tools/netwindow/values.h"

namespace wl::netwindow {

/// Adds up window, window_total and windows records. The time of a record is the beginning of its window,
/// which has to lie within one of ours. Flows are dropped: who says which of them are the same?
class MergeInput : public Input {
 public:
  /// `by` empty: the keys of the first window.
  [[nodiscard]] static base::Result<std::unique_ptr<Input>> make(const Stage& stage, const Shape& shape,
                                                                 std::string_view by);

  [[nodiscard]] bool take(std::string_view line) override;
  void idle(int64_t wall) override { stage_.windows.idle(wall, newest_until_); }
  void finish() override { stage_.windows.finish(); }

 private:
  struct ProtocolRow {
    Service service;
    uint64_t bytes = 0, in_bytes = 0, out_bytes = 0;
  };
  /// One key of one window, as it was read.
  struct Entry {
    bool keyed = false;
    bool directed = false;
    bool nanoseconds = false;
    Hash hash;
    std::string text{};
    Totals totals{};
    int64_t first = 0;
    int64_t last = 0;
    uint64_t missed = 0;
    std::vector<ProtocolRow> protocols{};
  };
  /// What a window_total tells beside its sums.
  struct Sides {
    Totals other{}, unkeyed{}, late{}, untimed{};
    std::optional<uint64_t> lost{};
    bool keys_hidden = false;  // there were more keys than records
  };

  MergeInput(const Stage& stage, const Shape& shape) : stage_(stage), shape_(shape) {}

  void choose_keys(KeySpec spec, const Paths& paths);
  [[nodiscard]] bool discover(std::string_view record);
  [[nodiscard]] bool read_span();
  [[nodiscard]] bool window(std::string_view line);
  [[nodiscard]] bool windows(std::string_view line);
  [[nodiscard]] bool read_entry(const ndjson::Fields& fields, Entry& entry);
  [[nodiscard]] bool read_protocols(const ndjson::Value& value, Entry& entry);
  [[nodiscard]] bool read_totals(const ndjson::Fields& fields, std::string_view prefix, Totals& totals);
  [[nodiscard]] bool read_sides(Sides& sides);
  [[nodiscard]] const ndjson::Value& value(const ndjson::Fields& fields, std::string_view prefix,
                                           std::string_view key) const;
  void add(const Entry& entry);
  void add(const Sides& sides);

  Stage stage_;
  const Shape& shape_;
  std::optional<KeySpec> spec_;
  Paths paths_;
  std::optional<ndjson::Fields> record_;    // of the line; nothing until the keys are known
  std::optional<ndjson::Fields> entry_;     // of the elements of `windows`
  std::optional<ndjson::Fields> protocol_;  // of the elements of `protocols`
  Hasher hasher_;
  TimeReader times_;
  std::optional<int64_t> ts_;  // of the record at hand
  int64_t until_ = 0;
  int64_t newest_until_ = INT64_MIN;
};

}  // namespace wl::netwindow
