#pragma once
// Writes closed windows as records.
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/time.h"
#include "libcommon/ndjson/output.h"
#include "tools/netwindow/window.h"

namespace wl::netwindow {

/// The texts of proto: each has a number. 0 stands for what has no name, or came after 255 others.
class Names {
 public:
  [[nodiscard]] uint8_t id(std::string_view name);
  [[nodiscard]] std::string_view name(uint8_t id) const { return names_[id]; }

 private:
  static constexpr size_t kMaxLength = 32;
  std::vector<std::string> names_{"other"};
};

/// What belongs to no window, until the next total tells of it.
struct Aside {
  Totals late{};
  Totals untimed{};
  std::optional<uint64_t> lost{};  ///< by those before us in the pipe; only when they tell

  /// Forgets what was told.
  void clear() { *this = Aside{.lost = lost ? std::optional<uint64_t>(0) : std::nullopt}; }
  [[nodiscard]] bool empty() const {
    return late.packets == 0 && untimed.packets == 0 && lost.value_or(0) == 0;
  }
};

/// What the records look like.
struct Shape {
  bool generic = false;             ///< count and sums in place of packets and bytes
  bool merged = false;              ///< flows cannot be told
  std::vector<std::string> sums{};  ///< keys of the sums, "sum_…"
  std::string sort{};               ///< key that orders
  uint64_t top = 0;                 ///< 0: all
  int64_t length = 0;
};

/// A closed window, ordered and cut: what is shown.
struct ClosedWindow {
  int64_t start = 0;
  int64_t until = 0;
  bool directed = false;
  int digits = 6;
  std::vector<const Key*> keys{};  ///< shown ones, the largest first
  std::vector<const Protocol*> all_protocols{};
  std::vector<size_t> protocols_begin{};  ///< of each shown key in all_protocols, and the end of the last
  uint64_t key_count = 0;
  bool crowded = false;
  Totals total{}, other{}, unkeyed{};

  /// Of the shown key at `index`, the largest first.
  [[nodiscard]] std::span<const Protocol* const> protocols(size_t index) const {
    return std::span(all_protocols)
        .subspan(protocols_begin[index], protocols_begin[index + 1] - protocols_begin[index]);
  }
};

/// The value that `--sort key` orders by; nothing for a key that the records of this shape do not have.
[[nodiscard]] std::optional<Amount> sort_value(const Shape& shape, std::string_view key, const Key& of);

/// Settles the window, orders its keys and cuts them to the top. What it gives points into the window.
[[nodiscard]] ClosedWindow close_window(Window& window, const Shape& shape);

/// Where closed windows go.
class Report {
 public:
  virtual ~Report() = default;
  /// `aside` is told with this window, and is empty then.
  virtual void write(Window& window, Aside& aside) = 0;
  /// At the end: what is aside when no window follows.
  virtual void write_rest(Aside& aside) = 0;
  [[nodiscard]] uint64_t records() const { return records_; }

 protected:
  uint64_t records_ = 0;
};

/// Writes window and window_total records, or windows records.
class RecordReport : public Report {
 public:
  RecordReport(ndjson::Output& out, const Shape& shape, const Names& names, bool whole)
      : out_(out), shape_(shape), names_(names), whole_(whole) {}

  void write(Window& window, Aside& aside) override;
  void write_rest(Aside& aside) override;

 private:
  void key_members(const ClosedWindow& closed, size_t index);
  void protocols(const ClosedWindow& closed, size_t index);
  void total_members(const ClosedWindow& closed, const Aside& aside);
  void totals(std::string_view prefix, const Totals& totals, bool directed);
  void member(std::string_view prefix, std::string_view key, uint64_t number);
  void time(std::string_view key, int64_t ns, int digits);
  void begin(std::string_view type);
  void begin(std::string_view type, const ClosedWindow& closed);
  void end();

  ndjson::Output& out_;
  const Shape& shape_;
  const Names& names_;
  bool whole_;
  std::string line_;
  base::TimeText time_text_;
};

}  // namespace wl::netwindow
