#pragma once
// Who is asking, and what that lets them do.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/thread_pool.hpp>

#include "libcommon/base/log.h"
#include "libcommon/base/time.h"
#include "libcommon/catalog/users.h"
#include "libcommon/packet/local_addresses.h"
#include "tools/wsbridge/api/limiter.h"
#include "tools/wsbridge/http/message.h"
#include "tools/wsbridge/newest.h"
#include "tools/wsbridge/profile/profile.h"

namespace wl::wsbridge::access {

/// Somebody with a token.
struct User {
  std::string id{};
  std::string email{};
};

/// What a request may do, found from its head.
struct Identity {
  std::optional<User> user{};
  bool open = false;      ///< from a network of open_to, itself, and not through a proxy we do not know
  std::string address{};  ///< of the client, behind a trusted proxy the one that it names
  std::string token{};    ///< digest of what `user` came with
  bool unknown = false;   ///< the catalog did not say whose token it is: 503, not 401
  [[nodiscard]] bool may(Access needed) const {
    return needed == Access::everybody || user.has_value() || (needed == Access::open && open);
  }
};

/// "http://dash.example:3000"
[[nodiscard]] bool is_origin(const std::string& text);
/// A name or address, as Host has it.
[[nodiscard]] bool is_host(const std::string& text);

/// The rules of the profile that need no catalog: Host, Origin, X-Forwarded-For. Constant after it is made.
class Policy {
 public:
  /// The profile has been read: its texts make sense.
  explicit Policy(const Profile& profile);
  /// False: Host is neither an address, nor localhost, nor named in the profile (DNS rebinding).
  [[nodiscard]] bool host_allowed(const http::Request& request) const;
  /// The Origin header, when it is our own or one of the profile's; empty text: there is none. Nothing:
  /// another's.
  [[nodiscard]] std::optional<std::string> origin_allowed(const http::Request& request) const;
  [[nodiscard]] std::string client_address(const http::Request& request) const;
  [[nodiscard]] bool open_to(const http::Request& request) const;

 private:
  packet::LocalAddresses open_to_, proxies_;
  std::vector<std::string> origins_, hosts_;  ///< canonical
};

/// Tokens, passwords, tickets. What takes time (argon2id, the catalog) runs in threads of its own, bounded.
/// I/O thread only; none of its coroutines goes on after it is gone.
class Gate {
 public:
  /// Without `users` nobody has a token. `policy` must outlive it.
  Gate(std::shared_ptr<catalog::Users> users, const Policy& policy, Signup signup, base::Log& log)
      : users_(std::move(users)), policy_(policy), signup_(signup), log_(log) {}

  /// `Authorization: Bearer TOKEN`, or `?ticket=` for a WebSocket (used up by this).
  /// Once for each request: a ticket is good for one call.
  awaitable<Identity> identify(const http::Request& request, bool socket);
  /// False: the user was disabled, or logged out, since then. For what stays open to ask now and then; at
  /// most each 5 s it looks into the catalog.
  awaitable<bool> still(Identity identity);

  /// The built-in routes: signup, login, logout, me, ticket, and setup (the first user, by its one-time
  /// code).
  awaitable<http::Response> answer(std::string_view name, const http::Request& request,
                                   const Identity& identity);
  /// "http://127.0.0.1:8000/setup#CODE" for stderr while there is no user; empty when there is one.
  [[nodiscard]] std::string setup_link(std::string_view base_url);

 private:
  struct Memory {
    std::optional<User> user{};
    std::string token{};  ///< digest
    int64_t until = 0;    ///< steady clock
  };
  static constexpr size_t kMaxRemembered = 10'000;

  awaitable<void> look_up(Identity& identity);
  awaitable<http::Response> give_token(std::string name, std::string body, std::string address);

  std::shared_ptr<catalog::Users> users_;
  const Policy& policy_;
  Signup signup_;
  base::Log& log_;
  Newest<Memory> holders_{SIZE_MAX, kMaxRemembered};  ///< by digest of the token; nobody's too
  Newest<Memory> tickets_{SIZE_MAX, kMaxRemembered};  ///< by digest of the ticket
  uint64_t revoked_ = 0;  ///< counts log-outs: what was asked before one is not remembered behind it
  api::Limiter attempts_{{{"address", 10}, {"account", 10}, {"complaint", 10}}, nullptr};
  std::shared_ptr<int> hashing_ = std::make_shared<int>();  ///< who hashes or waits for that has one more
  asio::thread_pool catalog_{1}, hashers_{2};               ///< a hasher takes 64 MiB
};

inline constexpr int64_t kTokenLife = 30 * 24 * 3600 * base::kSecond;
inline constexpr int64_t kCodeLife = 24 * 3600 * base::kSecond;
/// Name of the tokens that a password gives; `user passwd` ends them.
inline constexpr std::string_view kLoginToken = "login";

/// 256 random bits as base64url: a token, a ticket, a one-time code.
[[nodiscard]] std::string new_secret();
/// SHA-256 in hexadecimal: what is kept of a secret. To look one up by it leaks nothing by its time.
[[nodiscard]] std::string digest(std::string_view secret);

/// argon2id with 64 MiB, about 50 ms. Nothing in it but an error when there is no memory.
[[nodiscard]] base::Result<std::string> hash_password(std::string_view password);
/// Takes as long for every hash that hash_password() made; an empty one, of nobody, never fits.
[[nodiscard]] bool password_fits(const std::string& hash, std::string_view password);

/// The address in lower case, when it can be one.
[[nodiscard]] base::Result<std::string> read_email(std::string_view text);
/// As it is, when it can be one.
[[nodiscard]] base::Result<std::string> check_password(std::string_view password);

/// "URL/setup#CODE", which makes one user: the first or, when there are users, one more.
[[nodiscard]] base::Result<std::string> setup_link(catalog::Users& users, std::string_view url,
                                                   int64_t expires);

}  // namespace wl::wsbridge::access
