#pragma once
// TLS hellos and QUIC Initial packets of our own making.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wl::support {

struct HelloText {
  std::string server_name = "www.example.org";
  std::vector<std::string> protocols = {"h2", "http/1.1"};
  std::vector<uint16_t> versions = {0x0a0a, 0x0304, 0x0303};  ///< empty: no such extension
  size_t padding = 0;                                         ///< bytes of a key share in front of the rest
};

/// A ClientHello with its handshake header.
[[nodiscard]] std::string client_hello(const HelloText& text = {});
/// A ServerHello that chose `version` and `protocol`; empty: none.
[[nodiscard]] std::string server_hello(uint16_t version, std::string_view protocol = {});
/// A TLS record.
[[nodiscard]] std::string tls_record(uint8_t type, std::string_view body);

struct QuicKind {
  uint32_t version = 1;
  std::string_view salt = "38762cf7f55934b34d179ae6a4c80cadccbb7f0a";
  std::string_view label = "quic ";
  uint8_t first = 0xc3;
};
[[nodiscard]] QuicKind quic_version_2();

/// A QUIC variable-length integer of two or four bytes.
[[nodiscard]] std::string quic_number(uint64_t value);
[[nodiscard]] std::string crypto_frame(size_t offset, std::string_view data);
/// A client's Initial packet, protected as RFC 9001 says; `frames` are padded to `size` bytes.
[[nodiscard]] std::string quic_initial(std::string_view connection_id, std::string_view frames,
                                       uint32_t number = 0, size_t size = 1162, const QuicKind& kind = {});

}  // namespace wl::support
