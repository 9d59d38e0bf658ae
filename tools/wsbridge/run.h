#pragma once
// What each verb does, and what wsbridge writes.
#include <array>

#include "libcommon/base/error.h"
#include "libcommon/cli/run.h"
#include "libcommon/record/type.h"
#include "tools/wsbridge/account_verbs.h"
#include "tools/wsbridge/options.h"

namespace wl::wsbridge {

inline constexpr std::array<const record::RecordType*, 3> kTypes{&kUserType, &kTokenType, &kSetupType};

[[nodiscard]] base::Exit run(const Options& options, cli::Context& context);

}  // namespace wl::wsbridge
