#include "tools/wsbridge/account_verbs.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <functional>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "libcommon/base/time.h"
#include "libcommon/catalog/migrate.h"
#include "libcommon/catalog/users.h"
#include "libcommon/cli/table.h"
#include "libcommon/ndjson/output.h"

namespace wl::wsbridge {
namespace {

using nlohmann::ordered_json;
using record::KeyInfo;
using record::Kind;

constexpr std::array<KeyInfo, 4> kUserKeys{{
    {"user_id", Kind::text, "", "the user, as workers are told", true},
    {"email", Kind::text, "", "its address, in lower case", true},
    {"created", Kind::time, "", "when it was made", true},
    {"disabled", Kind::boolean, "", "its password and tokens are refused", true},
}};

constexpr std::array<KeyInfo, 7> kTokenKeys{{
    {"token_id", Kind::text, "", "what token revoke takes", true},
    {"email", Kind::text, "", "whose token it is", true},
    {"name", Kind::text, "", "what it is for; login: a password gave it", true},
    {"created", Kind::time, "", "when it was made", true},
    {"expires", Kind::time, "", "when it ends", true},
    {"last_used", Kind::time, "", "about when it was last used"},
    {"token", Kind::text, "", "the token itself, shown this once"},
}};

constexpr std::array<KeyInfo, 2> kSetupKeys{{
    {"link", Kind::text, "", "good for making one user; the code stands behind #", true},
    {"expires", Kind::time, "", "when it ends", true},
}};

/// Runs a verb on the catalog, and says what failed.
base::Exit with_users(const catalog::Location& location, cli::Context& context,
                      const std::function<base::Result<void>(catalog::Users&)>& verb) {
  auto db = catalog::open_catalog(location);
  if (!db) {
    context.log.error(db.error());
    return db.error().exit;
  }
  catalog::Users users(std::move(*db));
  const auto done = verb(users);
  if (!done) context.log.error(done.error());
  return done ? base::Exit::ok : done.error().exit;
}

/// Records, or with -t their values in columns.
base::Result<void> show(const std::vector<ordered_json>& records, const record::RecordType& type, bool table,
                        cli::Context& context) {
  ndjson::Output out(context.out);
  std::vector<cli::Table::Column> columns;
  for (const KeyInfo& key : type.keys) columns.push_back({std::string(key.key)});
  cli::Table rows(std::move(columns));
  for (const ordered_json& record : records) {
    if (!table) out.write(record.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + '\n');
    std::vector<std::string> cells;
    for (const KeyInfo& key : type.keys) {
      const ordered_json value = record.value(std::string(key.key), ordered_json(""));
      cells.push_back(value.is_string() ? value.get<std::string>() : value.dump());
    }
    rows.row(cells);
  }
  if (table) out.write(rows.text());
  out.finish();
  return out.state() == ndjson::WriteState::failed ? base::Result<void>(std::unexpected(out.error()))
                                                   : base::Result<void>();
}

ordered_json as_record(const catalog::Account& account) {
  return {{"type", kUserType.name},
          {"user_id", account.id},
          {"email", account.email},
          {"created", base::rfc3339(account.created, 6)},
          {"disabled", account.disabled != 0}};
}

ordered_json as_record(const catalog::Token& token) {
  ordered_json record{{"type", kTokenType.name},
                      {"token_id", token.id()},
                      {"email", token.email},
                      {"name", token.name},
                      {"created", base::rfc3339(token.created, 6)},
                      {"expires", base::rfc3339(token.expires, 6)}};
  if (token.last_used != 0) record["last_used"] = base::rfc3339(token.last_used, 6);
  return record;
}

/// The hash of the new password: from the file, the terminal, or the first line of standard input.
base::Result<std::string> new_password(const UserOptions& options, int in) {
  const bool typed = options.password_file.empty() && ::isatty(in) == 1;
  std::string password;
  if (typed) {
    password = ::getpass("New password: ");
    if (::getpass("Again: ") != password) return base::fail("password: the two are not the same");
  } else {
    const std::string name = options.password_file.empty() ? "/dev/stdin" : options.password_file;
    std::ifstream file(name);
    if (!std::getline(file, password)) return base::fail(name + ": no password in it");
  }
  if (const auto good = access::check_password(password); !good) return std::unexpected(good.error());
  return access::hash_password(password);
}

base::Result<void> found(const catalog::DbResult<bool>& done, const std::string& subject) {
  if (!done) return std::unexpected(done.error());
  if (!*done) return base::fail(subject + ": not found", {}, base::Exit::no);
  return {};
}

}  // namespace

const record::RecordType kUserType{"user", "somebody who may log in", kUserKeys};
const record::RecordType kTokenType{"token", "what stands for a user without a password", kTokenKeys};
const record::RecordType kSetupType{"setup", "a one-time link", kSetupKeys};

base::Exit add_user(const UserOptions& options, cli::Context& context) {
  return with_users(options.catalog, context, [&](catalog::Users& users) -> base::Result<void> {
    const auto email = access::read_email(options.email);
    if (!email) return std::unexpected(email.error());
    const auto hash = new_password(options, context.in);
    if (!hash) return std::unexpected(hash.error());
    const auto added = users.add(*email, *hash);
    if (!added && added.error().duplicate)
      return base::fail(*email + ": is there already", "wsbridge user passwd");
    if (!added) return std::unexpected(added.error());
    return show({as_record(**added)}, kUserType, options.table, context);
  });
}

base::Exit list_users(const UserOptions& options, cli::Context& context) {
  return with_users(options.catalog, context, [&](catalog::Users& users) -> base::Result<void> {
    const auto list = users.list();
    if (!list) return std::unexpected(list.error());
    std::vector<ordered_json> records;
    for (const catalog::Account& account : *list) records.push_back(as_record(account));
    return show(records, kUserType, options.table, context);
  });
}

base::Exit change_password(const UserOptions& options, cli::Context& context) {
  return with_users(options.catalog, context, [&](catalog::Users& users) -> base::Result<void> {
    const auto hash = new_password(options, context.in);
    if (!hash) return std::unexpected(hash.error());
    return found(users.set_password(access::read_email(options.email).value_or(""), *hash), options.email);
  });
}

base::Exit disable_user(const UserOptions& options, cli::Context& context) {
  return with_users(options.catalog, context, [&](catalog::Users& users) {
    return found(users.set_disabled(access::read_email(options.email).value_or(""), !options.enable),
                 options.email);
  });
}

base::Exit create_token(const TokenOptions& options, cli::Context& context) {
  return with_users(options.catalog, context, [&](catalog::Users& users) -> base::Result<void> {
    const bool control =
        std::any_of(options.name.begin(), options.name.end(), [](char c) { return c >= 0 && c < ' '; });
    if (options.name.empty() || options.name.size() > catalog::Users::kMaxName || control)
      return base::fail("--name: needs 1 to 80 bytes of text", {}, base::Exit::usage);
    const auto user = users.find(access::read_email(options.email).value_or(""));
    if (!user) return std::unexpected(user.error());
    if (!*user) return found(false, options.email);
    const std::string secret = access::new_secret();
    const int64_t now = base::wall_clock_ns();
    const catalog::Token token{
        access::digest(secret), (*user)->id, (*user)->email, options.name, now, now + options.expires_ns, 0};
    if (const auto added = users.add_token(token); !added) return std::unexpected(added.error());
    ordered_json record = as_record(token);
    record["token"] = secret;
    return show({record}, kTokenType, options.table, context);
  });
}

base::Exit list_tokens(const TokenOptions& options, cli::Context& context) {
  return with_users(options.catalog, context, [&](catalog::Users& users) -> base::Result<void> {
    const auto list = users.tokens();
    if (!list) return std::unexpected(list.error());
    const std::string email = access::read_email(options.email).value_or("");
    std::vector<ordered_json> records;
    for (const catalog::Token& token : *list) {
      if (options.email.empty() || token.email == email) records.push_back(as_record(token));
    }
    return show(records, kTokenType, options.table, context);
  });
}

base::Exit revoke_token(const TokenOptions& options, cli::Context& context) {
  return with_users(options.catalog, context,
                    [&](catalog::Users& users) { return found(users.revoke(options.id), options.id); });
}

base::Exit make_setup_link(const SetupOptions& options, cli::Context& context) {
  return with_users(options.catalog, context, [&](catalog::Users& users) -> base::Result<void> {
    const std::string code = access::new_secret();
    const int64_t expires = base::wall_clock_ns() + options.expires_ns;
    const auto first = users.none();
    if (!first) return std::unexpected(first.error());
    const auto added = users.add_code(access::digest(code), *first, expires);
    if (!added) return std::unexpected(added.error());
    return show({{{"type", kSetupType.name},
                  {"link", options.url + "/setup#" + code},
                  {"expires", base::rfc3339(expires, 6)}}},
                kSetupType, false, context);
  });
}

}  // namespace wl::wsbridge
