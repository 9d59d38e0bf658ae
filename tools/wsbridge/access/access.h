#pragma once
// Who is asking, and what that lets them do.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include "libcommon/base/error.h"
#include "libcommon/base/log.h"
#include "tools/wsbridge/http/message.h"
#include "tools/wsbridge/profile/profile.h"

namespace wl::catalog {
class Users;
}

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

/// The rules of the profile that need no catalog: Host, Origin, X-Forwarded-For. Constant after it is made.
class Policy {
 public:
  [[nodiscard]] static base::Result<Policy> make(const Profile& profile);
  Policy(Policy&&) noexcept;
  ~Policy();
  /// False: Host is neither an address, nor localhost, nor named in the profile (DNS rebinding).
  [[nodiscard]] bool host_allowed(const http::Request& request) const;
  /// The Origin header, when it is our own or one of the profile's; empty text: there is none. Nothing:
  /// another's.
  [[nodiscard]] std::optional<std::string> origin_allowed(const http::Request& request) const;
  [[nodiscard]] std::string client_address(const http::Request& request) const;
  [[nodiscard]] bool open_to(const http::Request& request) const;

 private:
  struct Rules;
  explicit Policy(std::unique_ptr<Rules> rules);
  std::unique_ptr<Rules> rules_;
};

/// Tokens, passwords, tickets. What takes time (argon2id, the catalog) runs in `pool`, bounded. I/O thread
/// only.
class Gate {
 public:
  /// Without `users` nobody has a token. `pool` and `policy` must outlive it.
  Gate(boost::asio::thread_pool& pool, std::shared_ptr<catalog::Users> users, const Policy& policy,
       Signup signup, base::Log& log);
  ~Gate();

  /// `Authorization: Bearer TOKEN`, or `?ticket=` for a WebSocket (used up by this).
  /// Once for each request: a ticket is good for one call.
  boost::asio::awaitable<Identity> identify(const http::Request& request, bool socket);
  /// False: the user was disabled, or logged out, since then. For sockets to ask now and then; at most each 5
  /// s it looks into the catalog.
  boost::asio::awaitable<bool> still(Identity identity);

  /// The built-in routes: signup, login, logout, me, ticket, and setup (the first user, by its one-time
  /// code).
  boost::asio::awaitable<http::Response> answer(std::string_view name, const http::Request& request,
                                                const Identity& identity);
  /// "http://127.0.0.1:8000/setup#CODE" for stderr while there is no user; empty when there is one.
  [[nodiscard]] std::string setup_link(std::string_view base_url);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace wl::wsbridge::access
