#pragma once
// wsbridge check PROFILE…
#include <span>
#include <string>

#include "libcommon/base/error.h"
#include "libcommon/base/log.h"

namespace wl::wsbridge {

/// Says all that is wrong with the profiles, then who may do what. Fails when there is an error.
[[nodiscard]] base::Exit check(std::span<const std::string> profiles, base::Log& log);

}  // namespace wl::wsbridge
