#pragma once
// Opening the Initial packets of QUIC clients (RFC 9001, section 5), whose keys follow from what they carry
// in the clear.
#include <array>
#include <cstdint>
#include <span>

#include "libcommon/packet/evp.h"

namespace wl::packet {

/// How one QUIC version derives its keys and numbers its packet types.
struct QuicVersion {
  uint32_t number;
  uint8_t initial_type;       ///< the two type bits of an Initial packet
  const uint8_t (*salt)[20];  ///< of the initial secret
  bool second_labels;         ///< "quicv2 key" and so on (RFC 9369)
};

/// Keeps its OpenSSL objects and the keys of the last connection, so that the packets of one first flight
/// cost one derivation. Not for two threads.
class QuicCipher {
 public:
  QuicCipher();

  /// Opens the packet `packet`, one Initial packet whose packet number begins at `number_at` and which ends
  /// where its length says, and writes its frames to `out`, which has packet.size() bytes. Gives the frames;
  /// none when the keys do not fit.
  [[nodiscard]] std::span<const uint8_t> open(const QuicVersion& version,
                                              std::span<const uint8_t> connection_id,
                                              std::span<const uint8_t> packet, size_t number_at,
                                              std::span<uint8_t> out);

 private:
  using Hash = std::array<uint8_t, 32>;

  void set_hmac_key(std::span<const uint8_t> key);
  [[nodiscard]] Hash hmac(std::span<const uint8_t> message);
  void derive(const QuicVersion& version, std::span<const uint8_t> connection_id);

  EvpDigest sha256_;
  EvpDigestContext inner_;  // after the key's inner block
  EvpDigestContext outer_;  // after its outer block
  EvpDigestContext work_;
  EvpCipher gcm_cipher_;
  EvpCipher ecb_cipher_;
  EvpCipherContext gcm_;
  EvpCipherContext ecb_;
  std::array<uint8_t, 12> iv_{};

  uint32_t known_version_ = 0;  // whose keys the contexts hold
  std::array<uint8_t, 20> known_id_{};
  size_t known_id_size_ = 0;
};

}  // namespace wl::packet
