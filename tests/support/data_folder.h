#pragma once
// The captures of other projects that tests compare with; they are no part of this repository.
#include <cstdlib>
#include <filesystem>
#include <optional>

#include <catch2/catch.hpp>

namespace wl::test {

/// $WIRELINE_DATA, else ../shared/data beside the project. Without it the test says so and is skipped, which
/// is a failure with WIRELINE_REQUIRE_DATA=1.
inline std::optional<std::filesystem::path> data_folder() {
  const char* named = std::getenv("WIRELINE_DATA");
  const std::filesystem::path folder =
      named != nullptr ? named : std::filesystem::path(WIRELINE_ROOT) / ".." / "shared" / "data";
  if (std::filesystem::is_directory(folder)) return folder;
  const char* required = std::getenv("WIRELINE_REQUIRE_DATA");
  if (required != nullptr && std::string_view(required) == "1") FAIL("no test data at " << folder);
  WARN("skipped: no test data at " << folder);
  return std::nullopt;
}

}  // namespace wl::test
