#pragma once
// OpenSSL's digests and ciphers as owned objects, without its headers.
#include <memory>

struct evp_cipher_st;
struct evp_cipher_ctx_st;
struct evp_md_st;
struct evp_md_ctx_st;

namespace wl::packet {

struct FreeEvp {
  void operator()(evp_cipher_st* cipher) const;
  void operator()(evp_cipher_ctx_st* context) const;
  void operator()(evp_md_st* digest) const;
  void operator()(evp_md_ctx_st* context) const;
};

using EvpCipher = std::unique_ptr<evp_cipher_st, FreeEvp>;             ///< EVP_CIPHER
using EvpCipherContext = std::unique_ptr<evp_cipher_ctx_st, FreeEvp>;  ///< EVP_CIPHER_CTX
using EvpDigest = std::unique_ptr<evp_md_st, FreeEvp>;                 ///< EVP_MD
using EvpDigestContext = std::unique_ptr<evp_md_ctx_st, FreeEvp>;      ///< EVP_MD_CTX

}  // namespace wl::packet
