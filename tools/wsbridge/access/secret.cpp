#include "tools/wsbridge/access/secret.h"

#include <algorithm>
#include <array>

#include <sodium.h>

#include "libcommon/base/utf8.h"
#include "libcommon/catalog/users.h"

namespace wl::wsbridge::access {
namespace {

constexpr auto kOperations = crypto_pwhash_OPSLIMIT_INTERACTIVE;
constexpr auto kMemory = crypto_pwhash_MEMLIMIT_INTERACTIVE;
constexpr size_t kMinPassword = 8;
constexpr size_t kMaxPassword = 1024;
/// What the password of somebody unknown is compared with, made like all others.
constexpr const char* kNobody =
    "$argon2id$v=19$m=65536,t=2,p=1$wXMsOqKhwa89j8gdl06QkQ$uJ7+bSbp9knNoippQ1ZavUjoQZkQdd9vHRW0njKblsA";

void start_sodium() {
  if (sodium_init() < 0) std::abort();  // no source of random numbers
}

}  // namespace

std::string new_secret() {
  start_sodium();
  std::array<unsigned char, 32> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  constexpr int kVariant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::array<char, sodium_base64_ENCODED_LEN(32, sodium_base64_VARIANT_URLSAFE_NO_PADDING)> text{};
  return sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), kVariant);
}

std::string digest(std::string_view secret) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(secret.data()), secret.size());
  std::array<char, crypto_hash_sha256_BYTES * 2 + 1> text{};
  return sodium_bin2hex(text.data(), text.size(), hash.data(), hash.size());
}

base::Result<std::string> hash_password(std::string_view password) {
  start_sodium();
  std::array<char, crypto_pwhash_STRBYTES> text{};
  if (crypto_pwhash_str(text.data(), password.data(), password.size(), kOperations, kMemory) != 0)
    return base::fail("password: not enough memory to hash it");
  return std::string(text.data());
}

bool password_fits(const std::string& hash, std::string_view password) {
  start_sodium();
  const char* const text = hash.empty() ? kNobody : hash.c_str();
  return crypto_pwhash_str_verify(text, password.data(), password.size()) == 0 && !hash.empty();
}

base::Result<std::string> read_email(std::string_view text) {
  std::string email(text);
  for (char& c : email) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  const size_t at = email.rfind('@');
  const auto strange = [](char c) {
    return (c >= 0 && c <= ' ') || c == 127 || std::string_view("\"<>,;:()\\").find(c) < 9;
  };
  if (at == std::string::npos || at == 0 || at + 1 == email.size() || email.find('@') != at ||
      email.size() > catalog::Users::kMaxEmail || base::wire_text(email) != email ||
      std::any_of(email.begin(), email.end(), strange))
    return base::fail("email: not an address");
  return email;
}

base::Result<void> check_password(std::string_view password) {
  if (password.size() < kMinPassword) return base::fail("password: needs at least 8 characters");
  if (password.size() > kMaxPassword) return base::fail("password: has at most 1024 bytes");
  return {};
}

}  // namespace wl::wsbridge::access
