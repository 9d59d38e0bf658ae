#pragma once
// The verbs of wsbridge and their flags.
#include <array>
#include <functional>
#include <string>
#include <vector>

#include "libcommon/cli/run.h"
#include "tools/wsbridge/account_verbs.h"
#include "tools/wsbridge/connect.h"
#include "tools/wsbridge/serve.h"

namespace wl::wsbridge {

/// What wsbridge writes.
inline constexpr std::array<const record::RecordType*, 3> kTypes{&kUserType, &kTokenType, &kSetupType};

struct Options {
  std::function<base::Exit(cli::Context&)> run{};  ///< does what the verb says
  ServeOptions serve{};
  std::vector<std::string> check_profiles{};
  ConnectOptions connect{};
  AccountOptions account{};  ///< of user, token and setup
  catalog::Location catalog{};
};

/// `options` must outlive the app.
void declare_options(CLI::App& app, Options& options);

}  // namespace wl::wsbridge
