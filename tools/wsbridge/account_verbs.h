#pragma once
// `wsbridge user`, `token` and `setup`: accounts, from the shell of who runs the bridge.
#include <string>

#include "libcommon/record/type.h"
#include "tools/wsbridge/access/access.h"

namespace wl::wsbridge {

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

/// Carries out "user add" and the like; `noun` is user, token or setup. Records go to `out`.
[[nodiscard]] base::Result<void> account(const std::string& noun, const AccountOptions& options,
                                         const catalog::Location& location, int out);

}  // namespace wl::wsbridge
