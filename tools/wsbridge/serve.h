#pragma once
// wsbridge serve: the streams, workers, routes and sockets of profiles behind one server.
#include <cstdint>
#include <string>
#include <vector>

#include "libcommon/base/time.h"
#include "libcommon/catalog/database.h"
#include "libcommon/cli/run.h"

namespace wl::wsbridge {

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

/// Serves until SIGINT or SIGTERM; then it drains.
[[nodiscard]] base::Exit serve(const ServeOptions& options, const catalog::Location& catalog,
                               cli::Context& context);

}  // namespace wl::wsbridge
