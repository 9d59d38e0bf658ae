#include <algorithm>
#include <array>
#include <cstring>

#include <boost/algorithm/string/case_conv.hpp>
#include <boost/beast/core/string.hpp>
#include <nlohmann/json.hpp>
#include <sodium.h>

#include "libcommon/base/utf8.h"
#include "tools/wsbridge/access/access.h"

namespace wl::wsbridge::access {
namespace {

using http::problem, http::Response;

constexpr int64_t kRemembered = 5 * base::kSecond;  ///< how long a token disabled elsewhere still works
constexpr int64_t kTicketLife = 30 * base::kSecond;
constexpr long kMaxHashing = 32;  ///< with those that wait: under a second
constexpr const char* kNoCatalog = "the catalog does not answer";

/// What the password of somebody unknown is compared with, made like all others.
constexpr const char* kNobody =
    "$argon2id$v=19$m=65536,t=2,p=1$wXMsOqKhwa89j8gdl06QkQ$uJ7+bSbp9knNoippQ1ZavUjoQZkQdd9vHRW0njKblsA";

[[maybe_unused]] const int kStarted = sodium_init();

Response as_json(const nlohmann::ordered_json& body) {
  return {200, {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}}, body.dump()};
}

/// The digest of "Authorization: Bearer …"; empty: there is none.
std::string bearer(const http::Request& request) {
  constexpr size_t kMax = 200;
  const std::string* const header = request.header("Authorization");
  const bool is_bearer =
      header != nullptr && header->size() <= kMax && boost::beast::iequals(header->substr(0, 7), "Bearer ");
  return is_bearer ? digest(header->substr(7)) : "";
}

struct Credentials {
  std::string email{};
  std::string password{};
  std::string code{};
};

/// A token for who has the password or, not being there yet, becomes a user.
Response enter(catalog::Users& users, const Credentials& given, bool login, base::Log& log) {
  const auto lost = [&log](const base::Error& error) {
    log.error(error);
    return problem(503, kNoCatalog);
  };
  const auto hash = login ? base::Result<std::string>() : hash_password(given.password);
  if (!hash) return lost(hash.error());
  const auto found = login ? users.find(given.email)
                           : users.add(given.email, *hash, given.code.empty() ? "" : digest(given.code));
  if (!found && found.error().exit == base::Exit::no) return problem(409, "the address is taken");
  if (!found) return lost(found.error());
  const bool usable = *found && (*found)->disabled == 0;
  if (login && !password_fits(usable ? (*found)->password : "", given.password))
    return problem(401, "email or password is wrong");
  if (!*found) return problem(403, "the code is unknown, used, or too old");
  const std::string token = new_secret();
  const int64_t now = base::wall_clock_ns();
  const auto added =
      users.add_token({digest(token), (*found)->id, {}, std::string(kLoginToken), now, now + kTokenLife});
  if (!added) return lost(added.error());
  return as_json({{"access_token", token}, {"token_type", "bearer"}});
}

template <class Job>
awaitable<std::invoke_result_t<Job>> run_job(Job job) {
  co_return job();
}

/// Runs `job` in `pool` and comes back with what it gives.
template <class Job>
awaitable<std::invoke_result_t<Job>> away(asio::thread_pool& pool, Job job) {
  auto running = run_job(std::move(job));
  co_return co_await asio::co_spawn(pool, std::move(running), use_awaitable);
}

}  // namespace

std::string new_secret() {
  constexpr int kVariant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::array<unsigned char, 32> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  std::array<char, sodium_base64_ENCODED_LEN(bytes.size(), kVariant)> text{};
  return sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), kVariant);
}

std::string digest(std::string_view secret) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(secret.data()), secret.size());
  std::array<char, hash.size() * 2 + 1> text{};
  return sodium_bin2hex(text.data(), text.size(), hash.data(), hash.size());
}

base::Result<std::string> hash_password(std::string_view password) {
  std::array<char, crypto_pwhash_STRBYTES> text{};
  if (crypto_pwhash_str(text.data(), password.data(), password.size(), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                        crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0)
    return base::fail("password: not enough memory to hash it");
  return std::string(text.data());
}

bool password_fits(const std::string& hash, std::string_view password) {
  const char* const text = hash.empty() ? kNobody : hash.c_str();
  return crypto_pwhash_str_verify(text, password.data(), password.size()) == 0 && !hash.empty();
}

base::Result<std::string> read_email(std::string_view text) {
  const size_t at = text.find('@');
  const auto strange = [](unsigned char c) {
    return c <= ' ' || c == 127 || std::strchr("\"<>,;:()\\", c) != nullptr;
  };
  if (at == 0 || at >= text.size() - 1 || text.rfind('@') != at || text.size() > catalog::Users::kMaxEmail ||
      base::wire_text(text) != text || std::any_of(text.begin(), text.end(), strange))
    return base::fail("email: not an address");
  return boost::algorithm::to_lower_copy(std::string(text));
}

base::Result<std::string> check_password(std::string_view password) {
  constexpr size_t kMin = 8, kMax = 1024;
  if (password.size() < kMin) return base::fail("password: needs at least 8 characters");
  if (password.size() > kMax) return base::fail("password: has at most 1024 bytes");
  return std::string(password);
}

base::Result<std::string> setup_link(catalog::Users& users, std::string_view url, int64_t expires) {
  const std::string code = new_secret();
  const auto none = users.none();
  if (!none) return std::unexpected(none.error());
  const auto added = users.add_code(digest(code), *none, expires);
  if (!added) return std::unexpected(added.error());
  return std::string(url) + "/setup#" + code;
}

awaitable<Identity> Gate::identify(const http::Request& request, bool socket) {
  Identity identity;
  identity.address = policy_.client_address(request);
  identity.open = policy_.open_to(request) && policy_.host_allowed(request) &&
                  policy_.origin_allowed(request).has_value();
  if (!users_) co_return identity;
  identity.token = bearer(request);
  if (socket && identity.token.empty()) {
    for (const auto& [name, value] : http::parse_query(request.query).value_or(http::Headers{})) {
      if (name != "ticket") continue;
      const Memory* const ticket = tickets_.find(digest(value));
      if (ticket != nullptr && ticket->until > base::steady_clock_ns()) identity.token = ticket->token;
      tickets_.erase(digest(value));
    }
  }
  if (!identity.token.empty()) co_await look_up(identity);
  co_return identity;
}

awaitable<bool> Gate::still(Identity identity) {
  if (!identity.user) co_return true;
  co_await look_up(identity);
  co_return identity.user.has_value() || identity.unknown;
}

/// Whose the token is, or that the catalog does not say.
awaitable<void> Gate::look_up(Identity& identity) {
  const int64_t now = base::steady_clock_ns();
  identity.user.reset();
  if (const Memory* const known = holders_.find(identity.token); known != nullptr && known->until > now) {
    identity.user = known->user;
    co_return;
  }
  const uint64_t before = revoked_;
  auto job = [users = users_, token = identity.token] { return users->holder(token); };
  const auto found = co_await away(catalog_, std::move(job));
  identity.unknown = !found;
  if (found && *found) identity.user = User{(*found)->id, (*found)->email};
  if (found && revoked_ == before) holders_.put(identity.token, 0, {identity.user, {}, now + kRemembered});
  // Not for each of those who ask while the catalog is away.
  if (!found && !attempts_.check_here("complaint", "", now)) log_.error(found.error());
}

awaitable<Response> Gate::answer(std::string_view name, const http::Request& request,
                                 const Identity& identity) {
  if (!users_) co_return problem(404, "this bridge has no users");
  const std::string kind(name);  // g++ 12 mistreats temporaries in co_await
  if (kind == "login" || kind == "signup" || kind == "setup")
    co_return co_await give_token(kind, request.body, identity.address);
  if (!identity.user) co_return identity.unknown ? problem(503, kNoCatalog) : problem(401, "needs a token");
  if (kind == "me") co_return as_json({{"id", identity.user->id}, {"email", identity.user->email}});
  if (kind == "ticket") {
    const std::string ticket = new_secret();
    tickets_.put(digest(ticket), 0, {{}, identity.token, base::steady_clock_ns() + kTicketLife});
    co_return as_json({{"ticket", ticket}, {"expires_in", kTicketLife / base::kSecond}});
  }
  if (kind != "logout") co_return problem(404, "there is no such route");
  auto job = [users = users_, token = identity.token] { return users->revoke(token); };
  const auto done = co_await away(catalog_, std::move(job));
  holders_.erase(identity.token);
  ++revoked_;
  if (done) co_return Response{204, {}, {}};
  log_.error(done.error());
  co_return problem(503, kNoCatalog);
}

awaitable<Response> Gate::give_token(std::string name, std::string body, std::string address) {
  const bool login = name == "login";
  Credentials given;
  try {
    const auto json = nlohmann::json::parse(body);
    given = {json.at("email"), json.at("password"), json.value("code", "")};
  } catch (const nlohmann::json::exception&) {
    co_return problem(422, "needs a JSON object with email and password");
  }
  const auto email = read_email(given.email);
  const auto password = check_password(given.password);
  if (!login && !(email && password)) co_return problem(422, (email ? password : email).error().text);
  given.email = email.value_or("");  // of a login what cannot be is only unknown
  given.password = password.value_or("");
  if (name == "signup" && signup_ == Signup::closed) co_return problem(403, "nobody can sign up here");
  if ((name == "setup" || (name == "signup" && signup_ == Signup::invited)) && given.code.empty())
    co_return problem(403, "needs the code of an invitation");
  if (hashing_.use_count() > kMaxHashing) co_return problem(503, "too many want to log in at once");
  const int64_t now = base::steady_clock_ns();
  auto wait = attempts_.check_here("address", address, now);
  if (!wait) wait = attempts_.check_here("account", given.email, now);
  if (wait) co_return problem(429, "too many attempts", *wait);
  const std::shared_ptr<int> counted = hashing_;
  auto job = [users = users_, given, login, &log = log_] { return enter(*users, given, login, log); };
  co_return co_await away(hashers_, std::move(job));
}

std::string Gate::setup_link(std::string_view base_url) {
  const auto none = users_ ? users_->none() : base::Result<bool>(false);
  if (none && !*none) return {};
  const auto link = access::setup_link(*users_, base_url, base::wall_clock_ns() + kCodeLife);
  if (!link) log_.error(link.error());
  return link.value_or("");
}

}  // namespace wl::wsbridge::access
