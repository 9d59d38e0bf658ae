#include <functional>
#include <unordered_map>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>

#include "libcommon/base/time.h"
#include "libcommon/catalog/users.h"
#include "tools/wsbridge/access/access.h"
#include "tools/wsbridge/access/secret.h"
#include "tools/wsbridge/api/limiter.h"
#include "tools/wsbridge/api/problem.h"
#include "tools/wsbridge/http/target.h"

namespace wl::wsbridge::access {
namespace {

namespace asio = boost::asio;
using http::Response;

constexpr int64_t kRemembered =
    5 * base::kSecond;  ///< how long a token that was disabled elsewhere still works
constexpr int64_t kTicketLife = 30 * base::kSecond;
constexpr size_t kMaxRemembered = 10'000;
constexpr size_t kMaxHashing = 32;  ///< with those that wait: under a second
constexpr uint32_t kAttempts = 10;  ///< a minute

/// What came of a request for a token.
struct Issued {
  std::string token{};
  unsigned failure = 0;  ///< HTTP status; 0: none
  std::string detail{};  ///< for the client
  std::string log{};     ///< for the operator
};

struct Credentials {
  std::string email{};
  std::string password{};
  std::string code{};
};

Issued lost(const base::Error& error) { return {{}, 503, "the catalog does not answer", error.line()}; }

Issued issue(catalog::Users& users, const catalog::Account& account) {
  std::string token = new_secret();
  const int64_t now = base::wall_clock_ns();
  const auto added =
      users.add_token({digest(token), account.id, {}, std::string(kLoginToken), now, now + kTokenLife});
  if (!added) return lost(added.error());
  return {std::move(token)};
}

Issued log_in(catalog::Users& users, const Credentials& given) {
  const auto found = users.find(given.email);
  if (!found) return lost(found.error());
  const bool usable = *found && (*found)->disabled == 0;
  if (!password_fits(usable ? (*found)->password : "", given.password))
    return {{}, 401, "email or password is wrong"};
  return issue(users, **found);
}

Issued sign_up(catalog::Users& users, const Credentials& given) {
  const auto hash = hash_password(given.password);
  if (!hash) return lost(hash.error());
  const auto added = users.add(given.email, *hash, given.code.empty() ? "" : digest(given.code));
  if (!added) return added.error().duplicate ? Issued{{}, 409, "the address is taken"} : lost(added.error());
  if (!*added) return {{}, 403, "the code is unknown, used, or too old"};
  return issue(users, **added);
}

template <class T>
asio::awaitable<T> run_job(std::shared_ptr<std::function<T()>> job) {
  co_return (*job)();
}

/// Runs `job` on `where` and comes back with what it gives.
template <class T, class Executor>
asio::awaitable<T> away(Executor where, std::function<T()> job) {
  auto running = run_job(std::make_shared<std::function<T()>>(std::move(job)));
  co_return co_await asio::co_spawn(where, std::move(running), asio::use_awaitable);
}

Response as_json(const nlohmann::ordered_json& body) {
  return {200, {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}}, body.dump()};
}

Response refuse(unsigned status, std::string_view detail, int retry_after_s = 0) {
  Response response = api::problem(status, detail);
  if (retry_after_s > 0) response.headers.emplace_back("Retry-After", std::to_string(retry_after_s));
  if (status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

std::string bearer(const http::Request& request) {
  const std::string* const header = request.header("Authorization");
  constexpr size_t kScheme = 7;
  if (header == nullptr || header->size() <= kScheme || header->size() > 200) return {};
  std::string scheme = header->substr(0, kScheme);
  for (char& c : scheme) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return scheme == "bearer " ? header->substr(kScheme) : "";
}

std::string ticket_of(const http::Request& request) {
  for (auto& [name, value] : http::parse_query(request.query).value_or(http::Headers{})) {
    if (name == "ticket") return value;
  }
  return {};
}

/// {email, password, code}; an error says what is wrong with it. `login`: what cannot be is only unknown.
base::Result<Credentials> read_credentials(const std::string& body, bool login) {
  const auto json = nlohmann::json::parse(body, nullptr, false);
  const auto text = [&json](const char* key) {
    const auto at = json.is_object() ? json.find(key) : json.end();
    return json.is_object() && at != json.end() && at->is_string() ? at->get<std::string>() : std::string();
  };
  Credentials given{text("email"), text("password"), text("code")};
  if (given.email.empty() || given.password.empty())
    return base::fail("needs a JSON object with email and password");
  const auto email = read_email(given.email);
  const auto password = check_password(given.password);
  if (!login && !email) return std::unexpected(email.error());
  if (!login && !password) return std::unexpected(password.error());
  given.email = email.value_or("");
  if (!password) given.password.clear();
  return given;
}

/// Makes room for one more in a map that must not grow: first what is over goes, then all.
template <class Map>
void make_room(Map& map, int64_t now) {
  if (map.size() < kMaxRemembered) return;
  std::erase_if(map, [now](const auto& entry) { return entry.second.until <= now; });
  if (map.size() >= kMaxRemembered) map.clear();
}

}  // namespace

struct Gate::State {
  asio::thread_pool& pool;
  std::shared_ptr<catalog::Users> users;
  const Policy& policy;
  Signup signup;
  base::Log& log;

  struct Holder {
    std::optional<User> user{};
    int64_t until = 0;  ///< steady clock
  };
  struct Ticket {
    std::string token{};  ///< digest
    int64_t until = 0;
  };
  std::unordered_map<std::string, Holder> holders{};  ///< by digest of the token
  std::unordered_map<std::string, Ticket> tickets{};  ///< by digest of the ticket
  api::Limiter attempts{{{"address", kAttempts}, {"account", kAttempts}}, nullptr};
  /// Two, of 64 MiB each.
  using Hasher = asio::strand<asio::thread_pool::executor_type>;
  std::vector<Hasher> hashers{Hasher(pool.get_executor()), Hasher(pool.get_executor())};
  size_t hashing = 0;
  size_t turn = 0;
  int64_t complained = 0;
  uint64_t revoked = 0;  ///< counts log-outs: what was asked before one is not remembered behind it

  void complain(const std::string& line) {
    const int64_t now = base::steady_clock_ns();
    if (complained != 0 && now - complained < base::kSecond) return;
    complained = now;
    log.error(line);
  }

  /// Whose token it is; `unknown` is set when the catalog does not say.
  static asio::awaitable<std::optional<User>> holder(std::shared_ptr<State> state, std::string token,
                                                     bool& unknown) {
    const int64_t now = base::steady_clock_ns();
    const auto at = state->holders.find(token);
    if (at != state->holders.end() && at->second.until > now) co_return at->second.user;
    using Found = catalog::DbResult<std::optional<catalog::Account>>;
    std::function<Found()> job = [users = state->users, token] { return users->holder(token); };
    const uint64_t before = state->revoked;
    const Found found = co_await away(state->pool.get_executor(), std::move(job));
    if (!found) {
      state->complain(found.error().line());
      unknown = true;
      co_return std::nullopt;
    }
    std::optional<User> user;
    if (*found) user = User{(*found)->id, (*found)->email};
    make_room(state->holders, now);
    if (state->revoked == before) state->holders[token] = {user, now + kRemembered};
    co_return user;
  }

  /// The digest of a ticket's token; the ticket is gone.
  std::string redeem(const std::string& ticket) {
    const auto node = tickets.extract(digest(ticket));
    return node && node.mapped().until > base::steady_clock_ns() ? node.mapped().token : "";
  }

  std::optional<Response> too_many(const std::string& address, const std::string& email) {
    if (hashing >= kMaxHashing) return refuse(503, "too many want to log in at once", 1);
    const int64_t now = base::steady_clock_ns();
    auto wait = attempts.check_here("address", address, now);
    if (!wait) wait = attempts.check_here("account", email, now);
    if (wait) return refuse(429, "too many attempts", *wait);
    return std::nullopt;
  }

  static asio::awaitable<Response> give_token(std::shared_ptr<State> state, std::string name,
                                              std::string body, std::string address) {
    const auto given = read_credentials(body, name == "login");
    if (!given) co_return refuse(422, given.error().text);
    if (name == "signup" && state->signup == Signup::closed) co_return refuse(403, "nobody can sign up here");
    if ((name == "setup" || (name == "signup" && state->signup == Signup::invited)) && given->code.empty())
      co_return refuse(403, "needs the code of an invitation");
    if (auto refusal = state->too_many(address, given->email)) co_return std::move(*refusal);
    std::function<Issued()> job = [users = state->users, given = *given, login = name == "login"] {
      return login ? log_in(*users, given) : sign_up(*users, given);
    };
    ++state->hashing;
    const std::shared_ptr<void> done(nullptr, [state](void*) { --state->hashing; });
    const Issued issued =
        co_await away(state->hashers.at(state->turn++ % state->hashers.size()), std::move(job));
    if (!issued.log.empty()) state->complain(issued.log);
    if (issued.failure != 0) co_return refuse(issued.failure, issued.detail, issued.failure == 503 ? 1 : 0);
    co_return as_json({{"access_token", issued.token}, {"token_type", "bearer"}});
  }

  static asio::awaitable<Response> log_out(std::shared_ptr<State> state, std::string token) {
    using Done = catalog::DbResult<bool>;
    std::function<Done()> job = [users = state->users, token] { return users->revoke(token); };
    const Done done = co_await away(state->pool.get_executor(), std::move(job));
    state->holders.erase(token);
    ++state->revoked;
    if (done) co_return Response{204, {}, {}};
    state->complain(done.error().line());
    co_return refuse(503, "the catalog does not answer", 1);
  }

  Response give_ticket(const std::string& token) {
    const int64_t now = base::steady_clock_ns();
    make_room(tickets, now);
    std::string ticket = new_secret();
    tickets[digest(ticket)] = {token, now + kTicketLife};
    return as_json({{"ticket", ticket}, {"expires_in", kTicketLife / base::kSecond}});
  }
};

Gate::Gate(asio::thread_pool& pool, std::shared_ptr<catalog::Users> users, const Policy& policy,
           Signup signup, base::Log& log)
    : state_(new State{pool, std::move(users), policy, signup, log}) {}
/// A coroutine that waits keeps the state; what it has of the pool must go before the pool.
Gate::~Gate() { state_->hashers.clear(); }

asio::awaitable<Identity> Gate::identify(const http::Request& request, bool socket) {
  const std::shared_ptr<State> state = state_;
  Identity identity;
  identity.address = state->policy.client_address(request);
  identity.open = state->policy.open_to(request) && state->policy.host_allowed(request) &&
                  state->policy.origin_allowed(request).has_value();
  if (!state->users) co_return identity;
  const std::string token = bearer(request);
  const std::string ticket = socket && token.empty() ? ticket_of(request) : "";
  identity.token = token.empty() ? state->redeem(ticket) : digest(token);
  if (!identity.token.empty())
    identity.user = co_await State::holder(state, identity.token, identity.unknown);
  co_return identity;
}

asio::awaitable<bool> Gate::still(Identity identity) {
  const std::shared_ptr<State> state = state_;
  if (!identity.user) co_return true;
  bool unknown = false;
  const auto user = co_await State::holder(state, identity.token, unknown);
  co_return user.has_value() || unknown;
}

asio::awaitable<Response> Gate::answer(std::string_view name, const http::Request& request,
                                       const Identity& identity) {
  const std::shared_ptr<State> state = state_;
  if (!state->users) co_return refuse(404, "this bridge has no users");
  const std::string kind(name);  // g++ 12 mistreats temporaries in co_await
  if (kind == "login" || kind == "signup" || kind == "setup")
    co_return co_await State::give_token(state, kind, request.body, identity.address);
  if (!identity.user)
    co_return identity.unknown ? refuse(503, "the catalog does not answer", 1) : refuse(401, "needs a token");
  if (kind == "me") co_return as_json({{"id", identity.user->id}, {"email", identity.user->email}});
  if (kind == "ticket") co_return state->give_ticket(identity.token);
  if (kind == "logout") co_return co_await State::log_out(state, identity.token);
  co_return refuse(404, "there is no such route");
}

std::string Gate::setup_link(std::string_view base_url) {
  if (!state_->users) return {};
  const std::string code = new_secret();
  const auto none = state_->users->none();
  if (none && !*none) return {};
  const auto added = state_->users->add_code(digest(code), true, base::wall_clock_ns() + kCodeLife);
  if (!none || !added) state_->log.error(none ? added.error() : none.error());
  return none && added ? std::string(base_url) + "/setup#" + code : "";
}

}  // namespace wl::wsbridge::access
