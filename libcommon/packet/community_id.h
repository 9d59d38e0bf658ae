#pragma once
// Community ID, version 1 with seed 0: one text for both directions of a flow that other tools compute alike
// (github.com/corelight/community-id-spec).
#include <span>
#include <string_view>

#include "libcommon/packet/evp.h"
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
  EvpDigest sha1_;
  EvpDigestContext context_;
};

}  // namespace wl::packet
