#pragma once
// The first bytes that applications say to each other: what a decoder recognises them by.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/capture/random.h"

namespace wl::bench {

namespace dns {
inline constexpr uint16_t kA = 1;
inline constexpr uint16_t kCname = 5;
inline constexpr uint16_t kSoa = 6;
inline constexpr uint16_t kAaaa = 28;
inline constexpr uint16_t kNoError = 0;
inline constexpr uint16_t kNxDomain = 3;

struct Answer {
  uint16_t type;
  std::string data;  ///< address bytes; for a CNAME the name as text
};

[[nodiscard]] std::string query(uint16_t id, std::string_view name, uint16_t type, bool edns);
/// Owner names are compression pointers (RFC 1035, 4.1.4); after a CNAME they point to its target.
[[nodiscard]] std::string response(uint16_t id, std::string_view name, uint16_t type, uint16_t rcode,
                                   std::span<const Answer> answers, bool edns);
}  // namespace dns

namespace http {
[[nodiscard]] std::string request(Random& random, std::string_view host);
/// The head of a response whose body has `body_size` bytes.
[[nodiscard]] std::string response(Random& random, uint64_t body_size);
}  // namespace http

namespace tls {
struct ClientHello {
  std::string_view sni;
  bool tls13 = true;
  bool post_quantum = false;             ///< adds the 1216-byte X25519MLKEM768 key share
  std::vector<std::string_view> alpn{};  ///< empty: no ALPN extension
  std::string quic_parameters{};         ///< QUIC transport parameters; empty over TCP
};

/// The handshake message without record header.
[[nodiscard]] std::string client_hello(Random& random, const ClientHello& hello);
[[nodiscard]] std::string server_hello(Random& random, bool tls13);
/// One record: 22 handshake, 20 change cipher spec, 23 application data.
[[nodiscard]] std::string record(uint8_t content_type, uint16_t version, std::string_view fragment);
}  // namespace tls

namespace ntp {
/// `mode` 3 asks, 4 answers; `seconds` since 1900.
[[nodiscard]] std::string packet(Random& random, uint8_t mode, uint32_t seconds);
}  // namespace ntp

}  // namespace wl::bench
