#pragma once
// The verbs of wsbridge and their flags.
#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "libcommon/base/time.h"
#include "libcommon/catalog/database.h"
#include "libcommon/cli/run.h"
#include "tools/wsbridge/access/access.h"

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
[[nodiscard]] base::Result<void> serve(ServeOptions options, const catalog::Location& location,
                                       cli::Context& context);

struct ConnectOptions {
  std::string url{};                   ///< ws://… or wss://…
  std::vector<std::string> command{};  ///< empty: our own standard input and output
  std::string ca_file{};               ///< PEM: whom we believe beside the system's authorities
  std::string token_file{};            ///< its first line is the token; empty: WIRELINE_TOKEN, or none
};

/// Connects, and again when the connection is lost, until the command ends (or our input does, or our reader
/// goes). Gives the command's exit status.
[[nodiscard]] base::Exit connect(const ConnectOptions& options, cli::Context& context);

struct AccountOptions {
  std::string action{};         ///< add, list, …
  std::string email{};          ///< of a list of tokens: only this user's; empty: all
  std::string password_file{};  ///< its first line; empty: a prompt, or the first line of standard input
  std::string name{};           ///< of a token
  std::string id{};             ///< of the token to revoke
  std::string url = "http://127.0.0.1:8000";
  int64_t token_ns = access::kTokenLife;
  int64_t code_ns = access::kCodeLife;
};

extern const record::RecordType kUserType;   ///< written by user add and user list
extern const record::RecordType kTokenType;  ///< by token create (with the token itself) and token list
extern const record::RecordType kSetupType;  ///< by setup

/// Carries out "user add" and the like; `noun` is user, token or setup.
[[nodiscard]] base::Result<void> account(const std::string& noun, const AccountOptions& options,
                                         const catalog::Location& location, cli::Context& context);

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
