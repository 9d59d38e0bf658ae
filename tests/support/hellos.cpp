#include "tests/support/hellos.h"

#include <array>
#include <stdexcept>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "tests/support/segments.h"

namespace wl::support {
namespace {

std::string with_length(size_t width, std::string_view body) {
  return big_endian(body.size(), width).append(body);
}

std::string extension(uint16_t type, std::string_view body) {
  return big_endian(type, 2) + with_length(2, body);
}

std::string protocol_list(const std::vector<std::string>& names) {
  std::string list;
  for (const auto& name : names) list += with_length(1, name);
  return with_length(2, list);
}

std::string handshake(uint8_t type, std::string_view body) {
  return big_endian(type, 1) + with_length(3, body);
}

uint8_t* data_of(std::string& bytes) { return reinterpret_cast<uint8_t*>(bytes.data()); }
const uint8_t* data_of(std::string_view bytes) { return reinterpret_cast<const uint8_t*>(bytes.data()); }

std::string hkdf(int mode, std::string key, std::string extra, size_t size) {
  EVP_KDF* const kdf = EVP_KDF_fetch(nullptr, "HKDF", nullptr);
  EVP_KDF_CTX* const context = EVP_KDF_CTX_new(kdf);
  std::string digest = "SHA256";
  const char* const extra_name =
      mode == EVP_KDF_HKDF_MODE_EXTRACT_ONLY ? OSSL_KDF_PARAM_SALT : OSSL_KDF_PARAM_INFO;
  const std::array parameters{
      OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key.data(), key.size()),
      OSSL_PARAM_construct_octet_string(extra_name, extra.data(), extra.size()),
      OSSL_PARAM_construct_end(),
  };
  std::string out(size, '\0');
  const int good = EVP_KDF_derive(context, data_of(out), out.size(), parameters.data());
  EVP_KDF_CTX_free(context);
  EVP_KDF_free(kdf);
  if (good != 1) throw std::runtime_error("HKDF failed");
  return out;
}

std::string expand(const std::string& secret, std::string_view label, size_t size) {
  const std::string info =
      big_endian(size, 2) + with_length(1, "tls13 " + std::string(label)) + big_endian(0, 1);
  return hkdf(EVP_KDF_HKDF_MODE_EXPAND_ONLY, secret, info, size);
}

/// AES-128-GCM with its tag behind, or one block of ECB.
std::string encrypt(const EVP_CIPHER* cipher, std::string_view key, std::string_view nonce,
                    std::string_view header, std::string_view plain) {
  EVP_CIPHER_CTX* const context = EVP_CIPHER_CTX_new();
  EVP_EncryptInit_ex(context, cipher, nullptr, data_of(key), nonce.empty() ? nullptr : data_of(nonce));
  EVP_CIPHER_CTX_set_padding(context, 0);
  std::string out(plain.size() + 16, '\0');
  int size = 0;
  if (!header.empty())
    EVP_EncryptUpdate(context, nullptr, &size, data_of(header), static_cast<int>(header.size()));
  EVP_EncryptUpdate(context, data_of(out), &size, data_of(plain), static_cast<int>(plain.size()));
  EVP_EncryptFinal_ex(context, data_of(out) + size, &size);
  EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, data_of(out) + plain.size());
  EVP_CIPHER_CTX_free(context);
  return out;
}

}  // namespace

std::string client_hello(const HelloText& text) {
  std::string extensions;
  if (text.padding != 0) extensions += extension(51, std::string(text.padding, 'k'));
  if (!text.server_name.empty()) {
    extensions += extension(0, with_length(2, big_endian(0, 1) + with_length(2, text.server_name)));
  }
  if (!text.protocols.empty()) extensions += extension(16, protocol_list(text.protocols));
  if (!text.versions.empty()) {
    std::string versions;
    for (const uint16_t version : text.versions) versions += big_endian(version, 2);
    extensions += extension(43, with_length(1, versions));
  }
  std::string body = big_endian(0x0303, 2) + std::string(32, 'r') + with_length(1, std::string(32, 's')) +
                     with_length(2, from_hex("130113021303")) + with_length(1, std::string(1, '\0'));
  if (!extensions.empty()) body += with_length(2, extensions);
  return handshake(1, body);
}

std::string server_hello(uint16_t version, std::string_view protocol) {
  std::string extensions;
  if (version > 0x0303) extensions += extension(43, big_endian(version, 2));
  if (!protocol.empty()) extensions += extension(16, protocol_list({std::string(protocol)}));
  std::string body = big_endian(std::min<uint16_t>(version, 0x0303), 2) + std::string(32, 'r') +
                     with_length(1, std::string(32, 's')) + from_hex("1301 00");
  if (!extensions.empty()) body += with_length(2, extensions);
  return handshake(2, body);
}

std::string tls_record(uint8_t type, std::string_view body) {
  return big_endian(type, 1) + from_hex("0301") + with_length(2, body);
}

QuicKind quic_version_2() {
  return {0x6b3343cf, "0dede3def700a6db819381be6e269dcbf9bd2ed9", "quicv2 ", 0xd3};
}

std::string quic_number(uint64_t value) {
  return value < 0x4000 ? big_endian(value | 0x4000, 2) : big_endian(value | 0x80000000, 4);
}

std::string crypto_frame(size_t offset, std::string_view data) {
  return big_endian(6, 1) + quic_number(offset) + quic_number(data.size()).append(data);
}

std::string quic_initial(std::string_view connection_id, std::string_view frames, uint32_t number,
                         size_t size, const QuicKind& kind) {
  const std::string initial =
      hkdf(EVP_KDF_HKDF_MODE_EXTRACT_ONLY, std::string(connection_id), from_hex(kind.salt), 32);
  const std::string client = expand(initial, "client in", 32);
  const std::string label(kind.label);
  std::string nonce = expand(client, label + "iv", 12);
  for (size_t i = 0; i < 4; ++i)
    nonce[11 - i] = static_cast<char>(nonce[11 - i] ^ static_cast<char>(number >> 8 * i));

  std::string plain(frames);
  plain.resize(std::max(size, plain.size()));
  std::string packet = big_endian(kind.first, 1) + big_endian(kind.version, 4) +
                       with_length(1, connection_id) + big_endian(0, 2) + quic_number(plain.size() + 16 + 4) +
                       big_endian(number, 4);
  const size_t number_at = packet.size() - 4;
  packet += encrypt(EVP_aes_128_gcm(), expand(client, label + "key", 16), nonce, packet, plain);

  const std::string sample = packet.substr(number_at + 4, 16);
  const std::string mask = encrypt(EVP_aes_128_ecb(), expand(client, label + "hp", 16), {}, {}, sample);
  packet[0] = static_cast<char>(packet[0] ^ (mask[0] & 0x0f));
  for (size_t i = 0; i < 4; ++i)
    packet[number_at + i] = static_cast<char>(packet[number_at + i] ^ mask[i + 1]);
  return packet;
}

}  // namespace wl::support
