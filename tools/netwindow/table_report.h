#pragma once
// -t: windows for people.
#include <string>
#include <vector>

#include "libcommon/cli/table.h"
#include "tools/netwindow/report.h"

namespace wl::netwindow {

/// A line for the window, a table of its keys, an empty line.
class TableReport : public Report {
 public:
  TableReport(ndjson::Output& out, const Shape& shape, const Names& names)
      : out_(out), shape_(shape), names_(names) {}

  void write(Window& window, Aside& aside) override;
  void write_rest(Aside& aside) override;

 private:
  [[nodiscard]] std::vector<std::string> titles(const ClosedWindow& closed) const;
  [[nodiscard]] std::vector<std::string> cells(const ClosedWindow& closed, size_t index) const;
  [[nodiscard]] std::string headline(const ClosedWindow& closed, const Aside& aside) const;
  [[nodiscard]] std::string amount(const Totals& totals) const;
  [[nodiscard]] std::string main_protocols(const ClosedWindow& closed, size_t index) const;

  ndjson::Output& out_;
  const Shape& shape_;
  const Names& names_;
};

}  // namespace wl::netwindow
