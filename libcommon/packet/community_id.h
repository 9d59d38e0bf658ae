#pragma once
// Community ID, version 1 with seed 0: one text for both directions of a flow that other tools compute alike
// (github.com/corelight/community-id-spec).
#include <memory>
#include <span>
#include <string_view>

#include <openssl/evp.h>

#include "libcommon/packet/scratch.h"
#include "libcommon/record/packet.h"

namespace wl::packet {

/// Keeps the digest's OpenSSL objects from packet to packet. Not for two threads.
class CommunityId {
 public:
  CommunityId();

  /// "1:" and 28 characters in `scratch`, for the flow in the packet's plain keys; empty where it has none,
  /// as fragments without ports.
  [[nodiscard]] std::string_view text(const record::Packet& packet, Scratch& scratch);

 private:
  struct Free {
    void operator()(EVP_MD* digest) const { EVP_MD_free(digest); }
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };

  std::unique_ptr<EVP_MD, Free> sha1_;
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

}  // namespace wl::packet
