#pragma once
// The verbs of wsbridge and their flags.
#include <cstdint>
#include <string>
#include <vector>

#include "libcommon/base/time.h"
#include "libcommon/catalog/database.h"
#include "tools/wsbridge/account_verbs.h"
#include "tools/wsbridge/connect.h"

namespace CLI {
class App;
}

namespace wl::wsbridge {

enum class Verb : uint8_t { none, serve, check, connect, user, token, setup };

struct ServeOptions {
  std::vector<std::string> profiles{};
  std::vector<std::string> listen{};   ///< empty: 127.0.0.1:8000
  std::vector<std::string> streams{};  ///< NAME=COMMAND, NAME=-
  bool lines = false;
  std::string certificate{}, key{};
  std::string metrics_listen{};  ///< not empty: /metrics answers there alone
  std::string redis{};
  std::string env_file{};
  int64_t grace = 10 * base::kSecond;
  bool access_log = false;
};

struct Options {
  Verb verb = Verb::none;
  ServeOptions serve{};
  std::vector<std::string> check_profiles{};
  ConnectOptions connect{};
  AccountOptions account{};  ///< of user, token and setup
  catalog::Location catalog{};
};

void declare_options(CLI::App& app, Options& options);

}  // namespace wl::wsbridge
