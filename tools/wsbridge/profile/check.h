#pragma once
// Profiles as the verbs take them.
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libcommon/base/log.h"
#include "tools/wsbridge/profile/profile.h"

namespace wl::wsbridge {

/// Who may do what, a line each: "open to 10.0.0.0/8: GET /api/traffic".
[[nodiscard]] std::vector<std::string> describe_access(const Profile& profile);

/// Reads and checks the files, and logs all that is wrong with them; nothing: there is an error.
[[nodiscard]] std::optional<Profile> load_profile(std::span<const std::string> paths, base::Log& log);

/// `wsbridge check`: says all that is wrong, then who may do what.
[[nodiscard]] base::Exit check(std::span<const std::string> paths, base::Log& log);

}  // namespace wl::wsbridge
