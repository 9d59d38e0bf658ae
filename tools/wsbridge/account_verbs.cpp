#include <algorithm>
#include <array>
#include <fstream>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "libcommon/ndjson/output.h"
#include "tools/wsbridge/options.h"

namespace wl::wsbridge {
namespace {

using catalog::Users;
using nlohmann::ordered_json;
using record::KeyInfo;
using record::Kind;
using Records = base::Result<std::vector<ordered_json>>;

constexpr std::array<KeyInfo, 4> kUserKeys{{
    {"user_id", Kind::text, "", "the user, as workers are told", true},
    {"email", Kind::text, "", "its address, in lower case", true},
    {"created", Kind::time, "", "when it was made", true},
    {"disabled", Kind::boolean, "", "its password and tokens are refused", true},
}};

constexpr std::array<KeyInfo, 6> kTokenKeys{{
    {"token_id", Kind::text, "", "what token revoke takes", true},
    {"email", Kind::text, "", "whose token it is", true},
    {"name", Kind::text, "", "what it is for; login: a password gave it", true},
    {"created", Kind::time, "", "when it was made", true},
    {"expires", Kind::time, "", "when it ends", true},
    {"token", Kind::text, "", "the token itself, shown this once"},
}};

constexpr std::array<KeyInfo, 2> kSetupKeys{{
    {"link", Kind::text, "", "good for making one user; the code stands behind #", true},
    {"expires", Kind::time, "", "when it ends", true},
}};

ordered_json as_record(const catalog::Account& account) {
  const std::string created = base::rfc3339(account.created, 6);
  return {{"type", "user"},
          {"user_id", account.id},
          {"email", account.email},
          {"created", created},
          {"disabled", account.disabled != 0}};
}

ordered_json as_record(const catalog::Token& token) {
  const std::string created = base::rfc3339(token.created, 6), expires = base::rfc3339(token.expires, 6);
  return {{"type", "token"},    {"token_id", token.id()}, {"email", token.email},
          {"name", token.name}, {"created", created},     {"expires", expires}};
}

/// The hash of the new password: from the file, the terminal, or the first line of standard input.
base::Result<std::string> new_password(const AccountOptions& options) {
  std::string password;
  if (options.password_file.empty() && ::isatty(STDIN_FILENO) == 1) {
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

/// Nothing to tell, when it was there.
Records found(const base::Result<bool>& done, const std::string& subject) {
  if (!done) return std::unexpected(done.error());
  if (!*done) return base::fail(subject + ": not found", {}, base::Exit::no);
  return {};
}

template <class Row>
Records listed(const base::Result<std::vector<Row>>& rows) {
  if (!rows) return std::unexpected(rows.error());
  Records records;
  for (const Row& row : *rows) records->push_back(as_record(row));
  return records;
}

std::string email_of(const AccountOptions& options) { return access::read_email(options.email).value_or(""); }

Records add_user(Users& users, const AccountOptions& options) {
  const auto email = access::read_email(options.email);
  if (!email) return std::unexpected(email.error());
  const auto hash = new_password(options);
  if (!hash) return std::unexpected(hash.error());
  const auto added = users.add(*email, *hash);
  if (!added && added.error().exit == base::Exit::no)
    return base::fail(*email + ": is there already", "wsbridge user passwd");
  if (!added) return std::unexpected(added.error());
  return {{as_record(**added)}};
}

Records list_users(Users& users, const AccountOptions&) { return listed(users.list()); }

Records change_password(Users& users, const AccountOptions& options) {
  const auto hash = new_password(options);
  if (!hash) return std::unexpected(hash.error());
  return found(users.set_password(email_of(options), *hash), options.email);
}

Records disable_user(Users& users, const AccountOptions& options) {
  return found(users.set_disabled(email_of(options), options.action == "disable"), options.email);
}

Records create_token(Users& users, const AccountOptions& options) {
  const auto is_control = [](char c) { return c >= 0 && c < ' '; };
  if (options.name.empty() || options.name.size() > Users::kMaxName ||
      std::ranges::any_of(options.name, is_control))
    return base::fail("--name: needs 1 to 80 bytes of text", {}, base::Exit::usage);
  const auto user = users.find(email_of(options));
  if (!user) return std::unexpected(user.error());
  if (!*user) return found(false, options.email);
  const std::string secret = access::new_secret();
  const int64_t now = base::wall_clock_ns();
  const catalog::Token token{access::digest(secret), (*user)->id, (*user)->email,
                             options.name,           now,         now + options.token_ns};
  if (const auto added = users.add_token(token); !added) return std::unexpected(added.error());
  ordered_json record = as_record(token);
  record["token"] = secret;
  return {{record}};
}

Records list_tokens(Users& users, const AccountOptions& options) {
  return listed(users.tokens(options.email.empty() ? "" : access::read_email(options.email).value_or("?")));
}

Records revoke_token(Users& users, const AccountOptions& options) {
  return found(users.revoke(options.id), options.id);
}

Records make_setup_link(Users& users, const AccountOptions& options) {
  const int64_t expires = base::wall_clock_ns() + options.code_ns;
  const auto link = access::setup_link(users, options.url, expires);
  if (!link) return std::unexpected(link.error());
  return {{{{"type", "setup"}, {"link", *link}, {"expires", base::rfc3339(expires, 6)}}}};
}

struct Verb {
  std::string_view name;
  Records (*run)(Users& users, const AccountOptions& options);
};

constexpr std::array<Verb, 9> kVerbs{{{"user add", add_user},
                                      {"user list", list_users},
                                      {"user passwd", change_password},
                                      {"user disable", disable_user},
                                      {"user enable", disable_user},
                                      {"token create", create_token},
                                      {"token list", list_tokens},
                                      {"token revoke", revoke_token},
                                      {"setup ", make_setup_link}}};

}  // namespace

const record::RecordType kUserType{"user", "somebody who may log in", kUserKeys};
const record::RecordType kTokenType{"token", "what stands for a user without a password", kTokenKeys};
const record::RecordType kSetupType{"setup", "a one-time link", kSetupKeys};

base::Result<void> account(const std::string& noun, const AccountOptions& options,
                           const catalog::Location& location, cli::Context& context) {
  const auto verb = std::ranges::find(kVerbs, noun + " " + options.action, &Verb::name);
  if (verb == kVerbs.end())
    return base::fail(noun + " " + options.action + ": there is no such verb", "wsbridge " + noun + " --help",
                      base::Exit::usage);
  auto db = catalog::open_catalog(location);
  if (!db) return std::unexpected(db.error());
  Users users(std::move(*db));
  const Records records = verb->run(users, options);
  if (!records) return std::unexpected(records.error());
  ndjson::Output output(context.out);
  for (const ordered_json& record : *records)
    output.write(record.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + '\n');
  output.finish();
  if (output.state() == ndjson::WriteState::failed) return std::unexpected(output.error());
  return {};
}

}  // namespace wl::wsbridge
