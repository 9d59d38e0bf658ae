#include "libcommon/packet/quic_cipher.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include <openssl/evp.h>

namespace wl::packet {
namespace {

constexpr size_t kBlock = 64;  // of SHA-256
constexpr size_t kTag = 16;    // of AES-128-GCM
constexpr size_t kSample = 16;

/// HkdfLabel of RFC 8446, section 7.1, with an empty context, and the counter of the one block that is needed
/// (RFC 5869, section 2.3).
struct Label {
  std::array<uint8_t, 32> bytes{};
  size_t size = 0;

  Label(std::string_view name, uint8_t length) {
    constexpr std::string_view kPrefix = "tls13 ";
    bytes[1] = length;
    bytes[2] = static_cast<uint8_t>(kPrefix.size() + name.size());
    auto* const end = std::ranges::copy(name, std::ranges::copy(kPrefix, bytes.data() + 3).out).out;
    end[1] = 1;
    size = static_cast<size_t>(end - bytes.data()) + 2;
  }
  [[nodiscard]] std::span<const uint8_t> get() const { return {bytes.data(), size}; }
};

struct Labels {
  Label key;
  Label iv;
  Label header;
};

const Label kClientSecret("client in", 32);
const Labels kFirst{{"quic key", 16}, {"quic iv", 12}, {"quic hp", 16}};
const Labels kSecond{{"quicv2 key", 16}, {"quicv2 iv", 12}, {"quicv2 hp", 16}};

}  // namespace

QuicCipher::QuicCipher()
    : sha256_(EVP_MD_fetch(nullptr, "SHA256", nullptr)),
      inner_(EVP_MD_CTX_new()),
      outer_(EVP_MD_CTX_new()),
      work_(EVP_MD_CTX_new()),
      gcm_cipher_(EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr)),
      ecb_cipher_(EVP_CIPHER_fetch(nullptr, "AES-128-ECB", nullptr)),
      gcm_(EVP_CIPHER_CTX_new()),
      ecb_(EVP_CIPHER_CTX_new()) {
  EVP_CIPHER_CTX_set_padding(ecb_.get(), 0);
}

void QuicCipher::set_hmac_key(std::span<const uint8_t> key) {
  const auto start = [&](EVP_MD_CTX* context, uint8_t pad) {
    std::array<uint8_t, kBlock> block;
    block.fill(pad);
    for (size_t i = 0; i < key.size(); ++i) block[i] ^= key[i];
    EVP_DigestInit_ex2(context, sha256_.get(), nullptr);
    EVP_DigestUpdate(context, block.data(), block.size());
  };
  start(inner_.get(), 0x36);  // RFC 2104
  start(outer_.get(), 0x5c);
}

QuicCipher::Hash QuicCipher::hmac(std::span<const uint8_t> message) {
  Hash hash{};
  EVP_MD_CTX_copy_ex(work_.get(), inner_.get());
  EVP_DigestUpdate(work_.get(), message.data(), message.size());
  EVP_DigestFinal_ex(work_.get(), hash.data(), nullptr);
  EVP_MD_CTX_copy_ex(work_.get(), outer_.get());
  EVP_DigestUpdate(work_.get(), hash.data(), hash.size());
  EVP_DigestFinal_ex(work_.get(), hash.data(), nullptr);
  return hash;
}

void QuicCipher::derive(const QuicVersion& version, std::span<const uint8_t> connection_id) {
  if (version.number == known_version_ &&
      std::ranges::equal(connection_id, std::span(known_id_).first(known_id_size_))) {
    return;
  }
  const Labels& labels = version.second_labels ? kSecond : kFirst;
  set_hmac_key(*version.salt);
  const Hash initial = hmac(connection_id);
  set_hmac_key(initial);
  const Hash client = hmac(kClientSecret.get());
  set_hmac_key(client);
  const Hash key = hmac(labels.key.get());
  const Hash iv = hmac(labels.iv.get());
  const Hash header = hmac(labels.header.get());
  std::copy_n(iv.begin(), iv_.size(), iv_.begin());
  EVP_DecryptInit_ex2(gcm_.get(), gcm_cipher_.get(), key.data(), nullptr, nullptr);
  EVP_EncryptInit_ex2(ecb_.get(), ecb_cipher_.get(), header.data(), nullptr, nullptr);
  known_version_ = version.number;
  known_id_size_ = connection_id.size();
  std::ranges::copy(connection_id, known_id_.begin());
}

std::span<const uint8_t> QuicCipher::open(const QuicVersion& version, std::span<const uint8_t> connection_id,
                                          std::span<const uint8_t> packet, size_t number_at,
                                          std::span<uint8_t> out) {
  // The sample lies where it would if the packet number had four bytes (RFC 9001, section 5.4.2).
  if (connection_id.size() > known_id_.size() || packet.size() < number_at + 4 + kSample) return {};
  derive(version, connection_id);
  std::array<uint8_t, kSample> mask{};
  int size = 0;
  EVP_EncryptUpdate(ecb_.get(), mask.data(), &size, packet.data() + number_at + 4, kSample);

  const uint8_t first = packet[0] ^ (mask[0] & 0x0fU);
  const size_t number_size = (first & 3U) + 1;
  std::array<uint8_t, 4> number{};
  std::array<uint8_t, 12> nonce = iv_;
  for (size_t i = 0; i < number_size; ++i) {
    number[i] = packet[number_at + i] ^ mask[i + 1];
    nonce[nonce.size() - number_size + i] ^= number[i];
  }
  const size_t begin = number_at + number_size;
  if (packet.size() < begin + kTag) return {};
  const size_t length = packet.size() - begin - kTag;

  EVP_CIPHER_CTX* const gcm = gcm_.get();
  std::array<uint8_t, kTag> tag;
  std::copy_n(packet.data() + begin + length, kTag, tag.begin());
  const bool good =
      EVP_DecryptInit_ex2(gcm, nullptr, nullptr, nonce.data(), nullptr) == 1 &&
      EVP_DecryptUpdate(gcm, nullptr, &size, &first, 1) == 1 &&
      EVP_DecryptUpdate(gcm, nullptr, &size, packet.data() + 1, static_cast<int>(number_at - 1)) == 1 &&
      EVP_DecryptUpdate(gcm, nullptr, &size, number.data(), static_cast<int>(number_size)) == 1 &&
      EVP_DecryptUpdate(gcm, out.data(), &size, packet.data() + begin, static_cast<int>(length)) == 1 &&
      EVP_CIPHER_CTX_ctrl(gcm, EVP_CTRL_AEAD_SET_TAG, kTag, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(gcm, out.data() + length, &size) == 1;
  return good ? out.first(length) : std::span<uint8_t>{};
}

}  // namespace wl::packet
