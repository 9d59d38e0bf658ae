#pragma once
// What is served: the profiles, the streams of the command line, and the settings of an old .env file.
#include <optional>

#include "libcommon/base/error.h"
#include "libcommon/base/log.h"
#include "tools/wsbridge/api/redis.h"
#include "tools/wsbridge/options.h"
#include "tools/wsbridge/profile/profile.h"

namespace wl::wsbridge {

/// Reads and checks all of it; warnings go to the log. Fills in `options.listen` and `redis`.
[[nodiscard]] base::Result<Profile> serve_profile(ServeOptions& options, std::optional<api::RedisSpec>& redis,
                                                  base::Log& log);

/// Whether anything in the profile asks who it is.
[[nodiscard]] bool needs_users(const Profile& profile);

}  // namespace wl::wsbridge
