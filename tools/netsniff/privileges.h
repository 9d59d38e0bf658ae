#pragma once
// --user: capture needs privileges to begin with, not to go on.
#include <string>

#include "libcommon/base/error.h"

namespace wl::netsniff {

/// Becomes the user, with its groups and nothing else. There is no way back.
[[nodiscard]] base::Result<void> drop_privileges(const std::string& user);

}  // namespace wl::netsniff
