#include "libcommon/packet/evp.h"

#include <openssl/evp.h>

namespace wl::packet {

void FreeEvp::operator()(EVP_CIPHER* cipher) const { EVP_CIPHER_free(cipher); }
void FreeEvp::operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
void FreeEvp::operator()(EVP_MD* digest) const { EVP_MD_free(digest); }
void FreeEvp::operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }

}  // namespace wl::packet
