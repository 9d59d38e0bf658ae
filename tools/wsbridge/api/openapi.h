#pragma once
// /openapi.json
#include <string>
#include <string_view>

#include "tools/wsbridge/profile/profile.h"

namespace wl::wsbridge::api {

/// OpenAPI 3.1 of all routes of the profile and the built-in ones, sockets as GETs that answer 101. Make it
/// once.
[[nodiscard]] std::string openapi(const Profile& profile, std::string_view version);

}  // namespace wl::wsbridge::api
