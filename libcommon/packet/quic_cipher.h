#pragma once
// Opening the Initial packets of QUIC clients (RFC 9001, section 5), whose keys follow from what they carry
// in the clear.
#include <array>
#include <cstdint>
#include <memory>
#include <span>

// OpenSSL's EVP_CIPHER, EVP_CIPHER_CTX, EVP_MD and EVP_MD_CTX.
struct evp_cipher_st;
struct evp_cipher_ctx_st;
struct evp_md_st;
struct evp_md_ctx_st;

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
  struct FreeCipher {
    void operator()(evp_cipher_st* cipher) const;
    void operator()(evp_cipher_ctx_st* context) const;
    void operator()(evp_md_st* digest) const;
    void operator()(evp_md_ctx_st* context) const;
  };
  template <class T>
  using Owned = std::unique_ptr<T, FreeCipher>;

  void set_hmac_key(std::span<const uint8_t> key);
  [[nodiscard]] Hash hmac(std::span<const uint8_t> message);
  void derive(const QuicVersion& version, std::span<const uint8_t> connection_id);

  Owned<evp_md_st> sha256_;
  Owned<evp_md_ctx_st> inner_;  // after the key's inner block
  Owned<evp_md_ctx_st> outer_;  // after its outer block
  Owned<evp_md_ctx_st> work_;
  Owned<evp_cipher_st> gcm_cipher_;
  Owned<evp_cipher_st> ecb_cipher_;
  Owned<evp_cipher_ctx_st> gcm_;
  Owned<evp_cipher_ctx_st> ecb_;
  std::array<uint8_t, 12> iv_{};

  uint32_t known_version_ = 0;  // whose keys the contexts hold
  std::array<uint8_t, 20> known_id_{};
  size_t known_id_size_ = 0;
};

}  // namespace wl::packet
