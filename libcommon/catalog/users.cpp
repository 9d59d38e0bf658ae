#include "libcommon/catalog/users.h"

#include "libcommon/base/time.h"

namespace wl::catalog {
namespace {

constexpr int64_t kMinute = 60 * base::kSecond;

int64_t count_users(Db& db) {
  int64_t count = 0;
  Statement(db, "select count(*) from users").into(count).next();
  return count;
}

/// Takes a code out of the catalog. Of two who come with it at once, one finds a row to delete.
bool use_code(Db& db, const std::string& hash) {
  int64_t only_first = 0;
  int64_t expires = 0;
  {
    Statement find(db, "select only_first, expires from invitations where hash = :hash");
    if (!find.bind(hash).into(only_first).into(expires).next()) return false;
  }
  if (Statement(db, "delete from invitations where hash = :hash").bind(hash).run() != 1) return false;
  return expires > base::wall_clock_ns() && (only_first == 0 || count_users(db) == 0);
}

std::vector<Account> accounts(Db& db, const std::string& condition, const std::string& value) {
  std::vector<Account> found;
  Account one;
  Statement read(
      db, "select id, email, password, created, disabled from users where " + condition + " order by email");
  read.bind(value).into(one.id).into(one.email).into(one.password).into(one.created).into(one.disabled);
  while (read.next()) found.push_back(one);
  return found;
}

std::optional<Account> first(std::vector<Account> found) {
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

}  // namespace

DbResult<std::optional<Account>> Users::add(const std::string& email, const std::string& password,
                                            const std::string& code) {
  return db_->transaction([&](Db& db) -> std::optional<Account> {
    if (!code.empty() && !use_code(db, code)) return std::nullopt;
    Account account{new_id(), email, password, base::wall_clock_ns(), 0};
    Statement(db,
              "insert into users (id, email, password, created, disabled)"
              " values (:id, :email, :password, :created, 0)")
        .bind(account.id)
        .bind(email)
        .bind(password)
        .bind(account.created)
        .run();
    Statement(db, "delete from invitations where only_first = 1").run();
    return account;
  });
}

DbResult<std::optional<Account>> Users::find(const std::string& email) {
  return db_->read([&](Db& db) { return first(accounts(db, "email = :email", email)); });
}

DbResult<std::vector<Account>> Users::list() {
  return db_->read([](Db& db) { return accounts(db, "id <> :nobody", ""); });
}

DbResult<bool> Users::none() {
  return db_->read([](Db& db) { return count_users(db) == 0; });
}

DbResult<bool> Users::set_password(const std::string& email, const std::string& password) {
  return db_->transaction([&](Db& db) {
    Statement(db,
              "delete from tokens where name = 'login' and user_id in"
              " (select id from users where email = :email)")
        .bind(email)
        .run();
    Statement change(db, "update users set password = :password where email = :email");
    return change.bind(password).bind(email).run() == 1;
  });
}

DbResult<bool> Users::set_disabled(const std::string& email, bool disabled) {
  return db_->transaction([&](Db& db) {
    Statement(db, "update users set disabled = :disabled where email = :email")
        .bind(disabled)
        .bind(email)
        .run();
    return !accounts(db, "email = :email", email).empty();  // MariaDB counts only rows that changed
  });
}

DbResult<bool> Users::add_code(const std::string& hash, bool only_first, int64_t expires) {
  return db_->transaction([&](Db& db) {
    Statement(db, "delete from invitations where expires < :now").bind(base::wall_clock_ns()).run();
    Statement add(db, "insert into invitations (hash, only_first, expires) values (:hash, :first, :expires)");
    return add.bind(hash).bind(only_first).bind(expires).run() == 1;
  });
}

DbResult<bool> Users::add_token(const Token& token) {
  return db_->transaction([&](Db& db) {
    Statement(db, "delete from tokens where expires < :now").bind(base::wall_clock_ns()).run();
    Statement add(db,
                  "insert into tokens (hash, id, user_id, name, created, expires, last_used)"
                  " values (:hash, :id, :user, :name, :created, :expires, 0)");
    add.bind(token.hash).bind(token.id()).bind(token.user_id).bind(token.name);
    return add.bind(token.created).bind(token.expires).run() == 1;
  });
}

DbResult<std::optional<Account>> Users::holder(const std::string& hash) {
  const int64_t now = base::wall_clock_ns();
  int64_t last_used = now;
  auto found = db_->read([&](Db& db) -> std::optional<Account> {
    Account account;
    Statement read(
        db,
        "select users.id, email, users.created, last_used from tokens"
        " join users on users.id = user_id where hash = :hash and expires > :now and disabled = 0");
    read.bind(hash).bind(now).into(account.id).into(account.email).into(account.created).into(last_used);
    if (!read.next()) return std::nullopt;
    return account;
  });
  if (found && *found && now - last_used > kMinute) {
    (void)db_->transaction([&](Db& db) {  // the token is good whether that can be noted or not
      return Statement(db, "update tokens set last_used = :now where hash = :hash")
          .bind(now)
          .bind(hash)
          .run();
    });
  }
  return found;
}

DbResult<std::vector<Token>> Users::tokens() {
  return db_->read([](Db& db) {
    std::vector<Token> found;
    Token one;
    Statement read(db,
                   "select hash, user_id, email, name, tokens.created, expires, last_used from tokens"
                   " join users on users.id = user_id order by email, tokens.created, name");
    read.into(one.hash).into(one.user_id).into(one.email).into(one.name);
    read.into(one.created).into(one.expires).into(one.last_used);
    while (read.next()) found.push_back(one);
    return found;
  });
}

DbResult<bool> Users::revoke(const std::string& token) {
  return db_->transaction([&](Db& db) {
    return Statement(db, "delete from tokens where id = :id or hash = :hash").bind(token).bind(token).run() >
           0;
  });
}

}  // namespace wl::catalog
