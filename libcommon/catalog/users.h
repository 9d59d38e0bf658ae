#pragma once
// Who may log in, with what: users, their tokens, one-time codes. Secrets come here only as hashes.
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "libcommon/catalog/database.h"

namespace wl::catalog {

struct Account {
  std::string id{};
  std::string email{};     ///< lower case
  std::string password{};  ///< argon2id
  int64_t created = 0;     ///< all times: nanoseconds since 1970
  int64_t disabled = 0;

  static constexpr const char* kColumns = "id, email, password, created, disabled";
  auto fields() { return std::tie(id, email, password, created, disabled); }
};

struct Token {
  std::string hash{};  ///< SHA-256 of the token in hexadecimal; its first 16 digits are the token's id
  std::string user_id{};
  std::string email{};  ///< of the user
  std::string name{};
  int64_t created = 0;
  int64_t expires = 0;
  [[nodiscard]] std::string id() const { return hash.substr(0, 16); }

  static constexpr const char* kColumns = "hash, user_id, email, name, tokens.created, expires";
  auto fields() { return std::tie(hash, user_id, email, name, created, expires); }
};

/// Everything may block. Threads may share it.
class Users {
 public:
  static constexpr size_t kMaxEmail = 254, kMaxName = 80;
  explicit Users(std::shared_ptr<Db> db) : db_(std::move(db)) {}

  /// A new user, whose email was checked. With the hash of a one-time code only if the code is good, which
  /// uses it up; nothing: it is not. Exit::no: the address is taken.
  [[nodiscard]] base::Result<std::optional<Account>> add(const std::string& email,
                                                         const std::string& password,
                                                         const std::string& code = {});
  [[nodiscard]] base::Result<std::optional<Account>> find(const std::string& email);
  [[nodiscard]] base::Result<std::vector<Account>> list();
  [[nodiscard]] base::Result<bool> none();
  /// False: there is no such user. A new password ends what was logged in (tokens named "login").
  [[nodiscard]] base::Result<bool> set_password(const std::string& email, const std::string& password);
  [[nodiscard]] base::Result<bool> set_disabled(const std::string& email, bool disabled);

  /// A code that makes one user; `only_first`: while there is none. Also forgets codes that have expired.
  [[nodiscard]] base::Result<bool> add_code(const std::string& hash, bool only_first, int64_t expires);

  /// Also forgets tokens that have expired.
  [[nodiscard]] base::Result<bool> add_token(const Token& token);
  /// Whose token it is: nobody's when it has expired or the user is disabled.
  [[nodiscard]] base::Result<std::optional<Account>> holder(const std::string& hash);
  /// Of one user; of all without an email.
  [[nodiscard]] base::Result<std::vector<Token>> tokens(const std::string& email = {});
  /// By hash or id. False: there is none.
  [[nodiscard]] base::Result<bool> revoke(const std::string& token);

 private:
  std::shared_ptr<Db> db_;
};

}  // namespace wl::catalog
