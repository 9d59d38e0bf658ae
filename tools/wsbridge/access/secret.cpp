#include "tools/wsbridge/access/secret.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <boost/algorithm/string/case_conv.hpp>
#include <sodium.h>

#include "libcommon/base/utf8.h"

namespace wl::wsbridge::access {
namespace {

/// What the password of somebody unknown is compared with, made like all others.
constexpr const char* kNobody =
    "$argon2id$v=19$m=65536,t=2,p=1$wXMsOqKhwa89j8gdl06QkQ$uJ7+bSbp9knNoippQ1ZavUjoQZkQdd9vHRW0njKblsA";

[[maybe_unused]] const int kStarted = sodium_init();

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

base::Result<void> check_password(std::string_view password) {
  constexpr size_t kMin = 8, kMax = 1024;
  if (password.size() < kMin) return base::fail("password: needs at least 8 characters");
  if (password.size() > kMax) return base::fail("password: has at most 1024 bytes");
  return {};
}

base::Result<std::string> setup_link(catalog::Users& users, std::string_view url, int64_t expires) {
  const std::string code = new_secret();
  const auto none = users.none();
  if (!none) return std::unexpected(none.error());
  const auto added = users.add_code(digest(code), *none, expires);
  if (!added) return std::unexpected(added.error());
  return std::string(url) + "/setup#" + code;
}

}  // namespace wl::wsbridge::access
