#pragma once
// `wsbridge connect`: a WebSocket's messages as lines of a command, and its lines as messages.
#include <string>
#include <vector>

#include "libcommon/cli/run.h"

namespace wl::wsbridge {

struct ConnectOptions {
  std::string url{};                   ///< ws://… or wss://…
  std::vector<std::string> command{};  ///< empty: our own standard input and output
  std::string ca_file{};               ///< PEM: whom we believe beside the system's authorities
  std::string token_file{};            ///< its first line is the token; empty: WIRELINE_TOKEN, or none
};

/// Connects, and again when the connection is lost, until the command ends (or our input does, or our reader
/// goes). Gives the command's exit status.
[[nodiscard]] base::Exit connect(const ConnectOptions& options, cli::Context& context);

}  // namespace wl::wsbridge
