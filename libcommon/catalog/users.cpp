#include "libcommon/catalog/users.h"

#include "libcommon/base/time.h"
#include "libcommon/catalog/rows.h"

namespace wl::catalog {
base::Result<std::optional<Account>> Users::add(const std::string& email, const std::string& password,
                                                const std::string& code) {
  return db_->transaction([&](soci::session& sql) -> std::optional<Account> {
    Account made{new_id(), email, password, base::wall_clock_ns(), 0};
    // Of two who come with one code at once, one finds a row to delete.
    const std::string use_code =
        "delete from invitations where hash = :hash and expires > :now"
        " and (only_first = 0 or not exists (select id from users))";
    if (!code.empty() && run(sql, use_code, code, made.created) != 1) return std::nullopt;
    run(sql, std::string("insert into users (") + Account::kColumns + ") values (:i, :e, :p, :c, 0)", made.id,
        email, password, made.created);
    run(sql, "delete from invitations where only_first = 1");
    return made;
  });
}

base::Result<std::optional<Account>> Users::find(const std::string& email) {
  return catalog::find<Account>(*db_, "users where email = :email", email);
}

base::Result<std::vector<Account>> Users::list() { return select<Account>(*db_, "users order by email"); }

base::Result<bool> Users::none() {
  return db_->read([](soci::session& sql) { return number(sql, "select count(*) from users") == 0; });
}

base::Result<bool> Users::set_password(const std::string& email, const std::string& password) {
  return db_->transaction([&](soci::session& sql) {
    const std::string of_user = "user_id in (select id from users where email = :email)";
    run(sql, "delete from tokens where name = 'login' and " + of_user, email);
    return run(sql, "update users set password = :password where email = :email", password, email) == 1;
  });
}

base::Result<bool> Users::set_disabled(const std::string& email, bool disabled) {
  return db_->transaction([&](soci::session& sql) {
    run(sql, "update users set disabled = :disabled where email = :email", int{disabled}, email);
    return number(sql, "select count(*) from users where email = :email", email) == 1;
  });
}

base::Result<bool> Users::add_code(const std::string& hash, bool only_first, int64_t expires) {
  (void)change(*db_, "delete from invitations where expires < :now", base::wall_clock_ns());
  return change(*db_, "insert into invitations (hash, only_first, expires) values (:h, :f, :e)", hash,
                int{only_first}, expires);
}

base::Result<bool> Users::add_token(const Token& token) {
  (void)change(*db_, "delete from tokens where expires < :now", base::wall_clock_ns());
  return change(*db_,
                "insert into tokens (hash, id, user_id, name, created, expires) values (:h,:i,:u,:n,:c,:e)",
                token.hash, token.id(), token.user_id, token.name, token.created, token.expires);
}

base::Result<std::optional<Account>> Users::holder(const std::string& hash) {
  const std::string of_token = "select user_id from tokens where hash = :hash and expires > :now";
  return catalog::find<Account>(*db_, "users where disabled = 0 and id in (" + of_token + ")", hash,
                                base::wall_clock_ns());
}

base::Result<std::vector<Token>> Users::tokens(const std::string& email) {
  return select<Token>(*db_,
                       "tokens join users on users.id = user_id where email = :email or :all = ''"
                       " order by email, tokens.created, name",
                       email, email);
}

base::Result<bool> Users::revoke(const std::string& token) {
  return change(*db_, "delete from tokens where id = :id or hash = :hash", token, token);
}

}  // namespace wl::catalog
