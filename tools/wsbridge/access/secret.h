#pragma once
// Passwords, and secrets that nobody has to remember.
#include <string>
#include <string_view>

#include "libcommon/base/error.h"
#include "libcommon/base/time.h"
#include "libcommon/catalog/users.h"

namespace wl::wsbridge::access {

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
[[nodiscard]] base::Result<void> check_password(std::string_view password);

/// "URL/setup#CODE", which makes one user: the first or, when there are users, one more.
[[nodiscard]] base::Result<std::string> setup_link(catalog::Users& users, std::string_view url,
                                                   int64_t expires);

}  // namespace wl::wsbridge::access
