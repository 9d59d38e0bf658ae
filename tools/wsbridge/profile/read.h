#pragma once
// Profile files → Profile, and everything that is wrong with them at once.
#include <expected>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/log.h"
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
using Findings = std::vector<Finding>;

/// getenv() or a stand-in; empty: no variable is set, and neither commands nor jq programs are looked at.
using Environment = std::function<const char*(const char* name)>;

inline constexpr size_t kMaxDocument = size_t{256} << 10;  ///< bytes of a profile
inline constexpr int kMaxDepth = 64;                       ///< objects and arrays in each other

/// Reads the files as one profile, and checks it when all of it reads well: tables are joined, a name twice
/// is an error. `${NAME}` and `${NAME:-otherwise}` in the commands of streams and workers, and only there,
/// are taken from the environment; a word that becomes empty by this is left out. What is wrong is in
/// `findings`; the error is the first of them that is no warning.
[[nodiscard]] base::Result<Profile> read_profile(std::span<const std::string> paths, Findings& findings,
                                                 const Environment& environment);
/// The same of one text, which messages call `file`.
[[nodiscard]] base::Result<Profile> read_profile_text(std::string_view text, const std::string& file,
                                                      Findings& findings, const Environment& environment);

/// What can be wrong with a profile that reads well: unreachable routes, undeclared parameters, values that
/// could become options, jq programs that do not compile, commands that are not on PATH, writing without a
/// token, caches shorter than the stream's `every`.
[[nodiscard]] Findings check_profile(const Profile& profile, const Environment& environment);
/// Who may do what, a line each: "open to 10.0.0.0/8: GET /api/traffic".
[[nodiscard]] std::vector<std::string> describe_access(const Profile& profile);

/// Reads the files, and logs all that is wrong with them; nothing: there is an error.
[[nodiscard]] std::optional<Profile> load_profile(std::span<const std::string> paths, base::Log& log);
/// `wsbridge check`: says all that is wrong, then who may do what.
[[nodiscard]] base::Exit check(std::span<const std::string> paths, base::Log& log);

/// JSON with comments as plain JSON. Each object in it has a member "": an object with the lines of its
/// members, and with its own as "". Throws the Finding that it is none.
[[nodiscard]] std::string with_lines(const std::string& file, std::string_view text);
/// Letters, digits, '_', and within it one of `also`.
[[nodiscard]] bool is_name(std::string_view text, const std::string& also = "");
/// `word` with ${NAME} and ${NAME:-otherwise} filled; the error is the name of what is not set.
[[nodiscard]] std::expected<std::string, std::string> substitute(std::string_view word,
                                                                 const Environment& environment);
/// `text` as a JSON string.
[[nodiscard]] std::string in_quotes(std::string_view text);
/// ", did you mean "x"?" when one of `known` is near to `name`, else nothing.
[[nodiscard]] std::string did_you_mean(std::string_view name, const std::vector<std::string>& known);

}  // namespace wl::wsbridge
