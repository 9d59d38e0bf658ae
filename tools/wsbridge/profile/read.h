#pragma once
// Profile files → Profile, and everything that is wrong with them at once.
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/error.h"
#include "tools/wsbridge/profile/profile.h"

namespace wl::wsbridge {

/// A thing to say about a profile.
struct Finding {
  Place place{};
  bool warning = false;
  std::string text{};
  /// "traffic.json:12: message"
  [[nodiscard]] std::string line() const { return place.text() + ": " + text; }
};

/// getenv() or a stand-in; empty: no variable is set, and neither commands nor jq programs are looked at.
using Environment = std::function<const char*(const char* name)>;

inline constexpr size_t kMaxDocument = size_t{256} << 10;  ///< bytes of a profile
inline constexpr int kMaxDepth = 64;                       ///< objects and arrays in each other

/// Reads the files as one profile: tables are joined, a name twice is an error. `${NAME}` and
/// `${NAME:-otherwise}` in the commands of streams and workers, and only there, are taken from the
/// environment; a word that becomes empty by this is left out. When all of it reads well it is checked:
/// unreachable routes, undeclared parameters, values that could become options, jq programs that do not
/// compile, commands that are not on PATH, writing without a token, caches shorter than the stream's `every`.
/// What is wrong is in `findings`; the error is the first of them that is no warning.
[[nodiscard]] base::Result<Profile> read_profile(std::span<const std::string> paths,
                                                 std::vector<Finding>& findings,
                                                 const Environment& environment);

/// The same of one text, which messages call `file`.
[[nodiscard]] base::Result<Profile> read_profile_text(std::string_view text, const std::string& file,
                                                      std::vector<Finding>& findings,
                                                      const Environment& environment);

}  // namespace wl::wsbridge
