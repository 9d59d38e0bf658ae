#include "tests/bench/capture/quic_initial.h"

#include <array>
#include <memory>
#include <stdexcept>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "tests/bench/capture/byte_writer.h"

namespace wl::bench {
namespace {

constexpr std::string_view kSaltV1(
    "\x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a", 20);
constexpr size_t kTagSize = 16;
constexpr size_t kPacketNumberSize = 4;
constexpr size_t kSampleSize = 16;

const unsigned char* as_bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* as_bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

std::string hmac_sha256(std::string_view key, std::string_view data) {
  std::string out(32, '\0');
  unsigned size = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), as_bytes(data), data.size(), as_bytes(out),
           &size) == nullptr)
    throw std::runtime_error("HMAC-SHA256 failed");
  return out;
}

/// HKDF-Expand-Label of TLS 1.3 with an empty context; `size` ≤ 32, so one round of HKDF-Expand does.
std::string expand_label(std::string_view secret, std::string_view label, uint32_t size) {
  ByteWriter info;
  info.u16(size).sized(1, [&] { info.text("tls13 ").text(label); });
  info.u8(0).u8(1);
  return hmac_sha256(secret, info.take()).substr(0, size);
}

using Cipher = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;

std::string seal(const std::string& key, const std::string& nonce, std::string_view header,
                 std::string_view plain) {
  const Cipher cipher(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  std::string out(plain.size() + kTagSize, '\0');
  int size = 0;
  const bool done =
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_128_gcm(), nullptr, as_bytes(std::string_view(key)),
                         as_bytes(std::string_view(nonce))) == 1 &&
      EVP_EncryptUpdate(cipher.get(), nullptr, &size, as_bytes(header), static_cast<int>(header.size())) ==
          1 &&
      EVP_EncryptUpdate(cipher.get(), as_bytes(out), &size, as_bytes(plain),
                        static_cast<int>(plain.size())) == 1 &&
      EVP_EncryptFinal_ex(cipher.get(), as_bytes(out) + plain.size(), &size) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagSize, as_bytes(out) + plain.size()) == 1;
  if (!done) throw std::runtime_error("AES-128-GCM failed");
  return out;
}

/// AES-128-ECB of one sample: the header protection mask (RFC 9001, 5.4.3).
std::string mask_of(const std::string& key, std::string_view sample) {
  const Cipher cipher(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  std::string out(2 * kSampleSize, '\0');
  int size = 0;
  if (EVP_EncryptInit_ex(cipher.get(), EVP_aes_128_ecb(), nullptr, as_bytes(std::string_view(key)),
                         nullptr) != 1 ||
      EVP_EncryptUpdate(cipher.get(), as_bytes(out), &size, as_bytes(sample), kSampleSize) != 1)
    throw std::runtime_error("AES-128-ECB failed");
  return out;
}

void write_long_header(ByteWriter& out, uint32_t first_byte, std::string_view destination,
                       std::string_view source) {
  out.u8(first_byte).u32(1);
  out.sized(1, [&] { out.text(destination); });
  out.sized(1, [&] { out.text(source); });
}

/// A variable-length integer (RFC 9000, 16) of two bytes.
void write_varint2(ByteWriter& out, size_t value) { out.u16(0x4000U | static_cast<uint32_t>(value)); }

std::string frames_of(const QuicInitial& initial, size_t header_size) {
  ByteWriter frames;
  if (initial.from_server) frames.u8(2).u8(0).u8(0).u8(0).u8(0);  // ACK of packet 0
  frames.u8(6).u8(0);                                             // CRYPTO at offset 0
  write_varint2(frames, initial.crypto.size());
  frames.text(initial.crypto);
  const size_t used = header_size + frames.size() + kTagSize;
  if (!initial.from_server && used < kQuicDatagram) frames.zeros(kQuicDatagram - used);  // PADDING
  return frames.take();
}

}  // namespace

std::string quic_initial(const QuicInitial& initial) {
  const std::string secret = expand_label(hmac_sha256(kSaltV1, initial.keys_from),
                                          initial.from_server ? "server in" : "client in", 32);
  const std::string key = expand_label(secret, "quic key", 16);
  const std::string nonce = expand_label(secret, "quic iv", 12);  // packet number 0 changes nothing in it
  const std::string protection = expand_label(secret, "quic hp", 16);

  ByteWriter writer;
  write_long_header(writer, 0xC0U | (kPacketNumberSize - 1), initial.destination, initial.source);
  writer.u8(0);  // no token
  const std::string frames = frames_of(initial, writer.size() + 2 + kPacketNumberSize);
  write_varint2(writer, kPacketNumberSize + frames.size() + kTagSize);
  const size_t number_at = writer.size();
  writer.u32(0);
  std::string packet = writer.take();
  packet += seal(key, nonce, packet, frames);

  const std::string mask =
      mask_of(protection, std::string_view(packet).substr(number_at + kPacketNumberSize, kSampleSize));
  packet[0] = static_cast<char>(packet[0] ^ (mask[0] & 0x0F));
  for (size_t i = 0; i < kPacketNumberSize; ++i)
    packet[number_at + i] = static_cast<char>(packet[number_at + i] ^ mask[1 + i]);
  return packet;
}

std::string quic_transport_parameters(std::string_view source_connection_id) {
  ByteWriter out;
  out.u8(1).u8(4).u32(0x80007530);                               // max_idle_timeout 30,000 ms
  out.u8(4).u8(4).u32(0x80100000);                               // initial_max_data
  out.u8(5).u8(4).u32(0x80040000);                               // initial_max_stream_data_bidi_local
  out.u8(8).u8(2).u16(0x4064);                                   // initial_max_streams_bidi
  out.u8(15).sized(1, [&] { out.text(source_connection_id); });  // initial_source_connection_id
  return out.take();
}

std::string quic_handshake(Random& random, std::string_view destination, std::string_view source,
                           size_t size) {
  ByteWriter out;
  write_long_header(out, 0xE0U | random.below(16), destination, source);
  const size_t rest = size - out.size() - 2;
  write_varint2(out, rest);
  out.noise(random, rest);
  return out.take();
}

}  // namespace wl::bench
