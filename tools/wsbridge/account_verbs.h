#pragma once
// `wsbridge user`, `token` and `setup`: accounts, from the shell of who runs the bridge.
#include <string>

#include "libcommon/catalog/database.h"
#include "libcommon/cli/run.h"
#include "libcommon/record/type.h"
#include "tools/wsbridge/access/secret.h"

namespace wl::wsbridge {

struct UserOptions {
  catalog::Location catalog{};
  std::string email{};
  std::string password_file{};  ///< its first line; empty: a prompt, or the first line of standard input
  bool enable = false;          ///< disable: the other way round
  bool table = false;
};

struct TokenOptions {
  catalog::Location catalog{};
  std::string email{};  ///< --user; of a list: only this user's, empty: all
  std::string name{};
  std::string id{};  ///< of the token to revoke
  int64_t expires_ns = access::kTokenLife;
  bool table = false;
};

struct SetupOptions {
  catalog::Location catalog{};
  std::string url = "http://127.0.0.1:8000";
  int64_t expires_ns = access::kCodeLife;
};

extern const record::RecordType kUserType;   ///< written by user add and user list
extern const record::RecordType kTokenType;  ///< by token create (with the token itself) and token list
extern const record::RecordType kSetupType;  ///< by setup

[[nodiscard]] base::Exit add_user(const UserOptions& options, cli::Context& context);
[[nodiscard]] base::Exit list_users(const UserOptions& options, cli::Context& context);
[[nodiscard]] base::Exit change_password(const UserOptions& options, cli::Context& context);
[[nodiscard]] base::Exit disable_user(const UserOptions& options, cli::Context& context);
[[nodiscard]] base::Exit create_token(const TokenOptions& options, cli::Context& context);
[[nodiscard]] base::Exit list_tokens(const TokenOptions& options, cli::Context& context);
[[nodiscard]] base::Exit revoke_token(const TokenOptions& options, cli::Context& context);
/// A link that makes one user: the first one, or when there are users, one more.
[[nodiscard]] base::Exit make_setup_link(const SetupOptions& options, cli::Context& context);

}  // namespace wl::wsbridge
