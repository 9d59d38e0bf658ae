#pragma once
// What can be wrong with a profile that reads well.
#include <string>
#include <vector>

#include "tools/wsbridge/profile/profile.h"
#include "tools/wsbridge/profile/read.h"

namespace wl::wsbridge {

/// Unreachable routes, undeclared parameters, values that could become options, jq programs that do not
/// compile, commands that are not on PATH, writing without a token, caches shorter than the stream's `every`.
[[nodiscard]] std::vector<Finding> check_profile(const Profile& profile, const Environment& environment);

/// Who may do what, a line each: "open to 10.0.0.0/8: GET /api/traffic".
[[nodiscard]] std::vector<std::string> describe_access(const Profile& profile);

}  // namespace wl::wsbridge
