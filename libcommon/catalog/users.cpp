#include "libcommon/catalog/users.h"

#include <random>

#include "libcommon/base/time.h"
#include "libcommon/catalog/rows.h"

namespace wl::catalog {
namespace {

/// A new name for a row: 128 random bits in hexadecimal.
std::string new_id() {
  std::random_device random;  // the system's: nobody can guess the next one
  std::string text;
  while (text.size() < 32) text += "0123456789abcdef"[random() % 16];
  return text;
}

std::optional<Account> first(std::vector<Account> found) {
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

std::vector<Account> with_email(soci::session& sql, const std::string& email) {
  return select<Account>(sql, "users where email = :email", email);
}

}  // namespace

DbResult<std::optional<Account>> Users::add(const std::string& email, const std::string& password,
                                            const std::string& code) {
  return db_->transaction([&](auto& sql) -> std::optional<Account> {
    const Account account{new_id(), email, password, base::wall_clock_ns(), 0};
    // Of two who come with one code at once, one finds a row to delete.
    if (!code.empty() && run(sql,
                             "delete from invitations where hash = :hash and expires > :now"
                             " and (only_first = 0 or not exists (select id from users))",
                             code, account.created) != 1)
      return std::nullopt;
    run(sql, std::string("insert into users (") + Account::kColumns + ") values (:i, :e, :p, :c, 0)",
        account.id, email, password, account.created);
    run(sql, "delete from invitations where only_first = 1");
    return account;
  });
}

DbResult<std::optional<Account>> Users::find(const std::string& email) {
  return db_->read([&](auto& sql) { return first(with_email(sql, email)); });
}

DbResult<std::vector<Account>> Users::list() {
  return db_->read([](auto& sql) { return select<Account>(sql, "users order by email"); });
}

DbResult<bool> Users::none() {
  return db_->read([](auto& sql) { return number(sql, "select count(*) from users") == 0; });
}

DbResult<bool> Users::set_password(const std::string& email, const std::string& password) {
  return db_->transaction([&](auto& sql) {
    run(sql,
        "delete from tokens where name = 'login' and user_id in (select id from users where email = :email)",
        email);
    return run(sql, "update users set password = :password where email = :email", password, email) == 1;
  });
}

DbResult<bool> Users::set_disabled(const std::string& email, bool disabled) {
  return db_->transaction([&](auto& sql) {
    run(sql, "update users set disabled = :disabled where email = :email", int{disabled}, email);
    return !with_email(sql, email).empty();
  });
}

DbResult<bool> Users::add_code(const std::string& hash, bool only_first, int64_t expires) {
  return db_->transaction([&](auto& sql) {
    run(sql, "delete from invitations where expires < :now", base::wall_clock_ns());
    return run(sql, "insert into invitations (hash, only_first, expires) values (:h, :f, :e)", hash,
               int{only_first}, expires) == 1;
  });
}

DbResult<bool> Users::add_token(const Token& token) {
  return db_->transaction([&](auto& sql) {
    run(sql, "delete from tokens where expires < :now", base::wall_clock_ns());
    return run(sql,
               "insert into tokens (hash, id, user_id, name, created, expires) values (:h,:i,:u,:n,:c,:e)",
               token.hash, token.id(), token.user_id, token.name, token.created, token.expires) == 1;
  });
}

DbResult<std::optional<Account>> Users::holder(const std::string& hash) {
  return db_->read([&](auto& sql) {
    return first(select<Account>(sql,
                                 "users where disabled = 0 and id in"
                                 " (select user_id from tokens where hash = :hash and expires > :now)",
                                 hash, base::wall_clock_ns()));
  });
}

DbResult<std::vector<Token>> Users::tokens() {
  return db_->read([](auto& sql) {
    return select<Token>(sql, "tokens join users on users.id = user_id order by email, tokens.created, name");
  });
}

DbResult<bool> Users::revoke(const std::string& token) {
  return db_->transaction([&](auto& sql) {
    return run(sql, "delete from tokens where id = :id or hash = :hash", token, token) > 0;
  });
}

}  // namespace wl::catalog
