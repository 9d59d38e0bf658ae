#pragma once
// Runs netwindow's work inside the test: input and output are memory files.
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "libcommon/base/error.h"
#include "tools/netwindow/options.h"

namespace wl::netwindow::test {

struct Ran {
  base::Exit exit = base::Exit::ok;
  std::string text{};                     ///< standard output
  std::string log{};                      ///< what was reported
  std::vector<nlohmann::json> records{};  ///< of `text`; empty for --table

  /// Those of one type.
  [[nodiscard]] std::vector<nlohmann::json> of(std::string_view type) const;
};

[[nodiscard]] Ran run_on(const Options& options, std::string_view input);

/// A packet record of 100 bytes; `more` is put behind its members: `,"dir":"in"`.
[[nodiscard]] std::string packet(std::string_view ts, std::string_view src, std::string_view dst,
                                 std::string_view more = {});

}  // namespace wl::netwindow::test
