#include <algorithm>

#include <catch2/catch.hpp>

#include "tests/support/hellos.h"
#include "tests/support/segments.h"

using namespace wl;
using record::Field;
using support::crypto_frame;
using support::from_hex;
using support::quic_initial;
using support::Segments;

namespace {

bool has(const record::Packet& packet, Field field) { return packet.present.has(field); }

const std::string kId = from_hex("8394c8f03e515708");

/// The CRYPTO frame of RFC 9001, appendix A.2.
std::string published_frame() {
  return from_hex(
      "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e868"
      "04fe3a47f06a2b69484c00000413011302010000c000000010000e00000b6578"
      "616d706c652e636f6dff01000100000a00080006001d00170018001000070005"
      "04616c706e000500050100000000003300260024001d00209370b2c9caa47fba"
      "baf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b000302030400"
      "0d0010000e0403050306030203080408050806002d00020101001c0002400100"
      "3900320408ffffffffffffffff05048000ffff07048000ffff08011001048000"
      "75300901100f088394c8f03e51570806048000ffff");
}

}  // namespace

TEST_CASE("quic: the client Initial of RFC 9001 opens") {
  const std::string packet = quic_initial(kId, published_frame(), 2);
  REQUIRE(packet.size() == 1200);
  REQUIRE(packet.starts_with(from_hex("c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11")));
  REQUIRE(packet.ends_with(from_hex("e221af44860018ab0856972e194cd934")));
  Segments segments;
  const auto& record = segments.udp(50000, 443, packet);
  CHECK(record.app == "quic");
  CHECK(record.layers == "ip:udp:quic");
  CHECK(record.tls_sni == "example.com");
  CHECK(record.name == "example.com");
  CHECK(record.tls_version == "1.3");
  REQUIRE(record.tls_alpn.size() == 1);
  CHECK(record.tls_alpn[0] == "alpn");
}

TEST_CASE("quic: the client Initial of version 2 (RFC 9369) opens") {
  const std::string packet = quic_initial(kId, published_frame(), 2, 1162, support::quic_version_2());
  REQUIRE(packet.starts_with(from_hex("d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485")));
  Segments segments;
  CHECK(segments.udp(50000, 443, packet).tls_sni == "example.com");
}

TEST_CASE("quic: a drafts' salt") {
  const support::QuicKind draft29{0xff00001d, "afbfec289993d24c9e9786f19c6111e04390a899", "quic ", 0xc3};
  Segments segments;
  CHECK(segments.udp(50000, 443, quic_initial(kId, published_frame(), 0, 1162, draft29)).tls_sni ==
        "example.com");
}

TEST_CASE("quic: CRYPTO frames in any order, with others between them") {
  const std::string hello = support::client_hello();
  const std::string_view bytes = hello;
  std::string frames = crypto_frame(100, bytes.substr(100)) + std::string(5, '\0') + "\x01" +
                       crypto_frame(20, bytes.substr(20, 90)) + from_hex("0200 05 00 01") +
                       crypto_frame(0, bytes.substr(0, 30));
  Segments segments;
  CHECK(segments.udp(50000, 443, quic_initial(kId, frames)).tls_sni == "www.example.org");
}

TEST_CASE("quic: a hello in several Initials is known on the last one, once") {
  support::HelloText text;
  text.padding = 2500;
  const std::string hello = support::client_hello(text);
  const std::string_view bytes = hello;
  const std::vector<std::string> packets{
      quic_initial(kId, crypto_frame(0, bytes.substr(0, 1000)), 0),
      quic_initial(kId, crypto_frame(1000, bytes.substr(1000, 1000)), 1),
      quic_initial(kId, crypto_frame(2000, bytes.substr(2000)), 2),
  };
  std::vector<size_t> order{0, 1, 2};
  do {
    Segments segments;
    CHECK_FALSE(has(segments.udp(50000, 443, packets[order[0]]), Field::tls_sni));
    CHECK_FALSE(has(segments.udp(50000, 443, packets[order[0]]), Field::tls_sni));
    CHECK_FALSE(has(segments.udp(50000, 443, packets[order[1]]), Field::tls_sni));
    CHECK_FALSE(has(segments.udp(50001, 443, packets[order[2]]), Field::tls_sni));
    CHECK(segments.udp(50000, 443, packets[order[2]]).tls_sni == "www.example.org");
    const auto& again = segments.udp(50000, 443, packets[order[2]]);
    CHECK(again.app == "quic");
    CHECK_FALSE(has(again, Field::tls_sni));
  } while (std::ranges::next_permutation(order).found);
}

TEST_CASE("quic: a new connection of the same ports begins anew") {
  Segments segments;
  segments.udp(50000, 443, quic_initial(kId, crypto_frame(0, support::client_hello().substr(0, 50))));
  const std::string other = from_hex("0102030405060708");
  CHECK(segments.udp(50000, 443, quic_initial(other, crypto_frame(0, support::client_hello()))).tls_sni ==
        "www.example.org");
}

TEST_CASE("quic: long headers of all kinds, and nothing that only begins like one") {
  Segments segments;
  const auto app = [&](std::string_view hex) {
    const auto& packet = segments.udp(443, 50000, from_hex(hex));
    return has(packet, Field::app) ? std::string(packet.app) : std::string();
  };
  CHECK(app("e0 00000001 08 0102030405060708 00 05 0102030405") == "quic");      // handshake
  CHECK(app("80 00000000 00 08 0102030405060708 00000001 6b3343cf") == "quic");  // version negotiation
  CHECK(app("80 00000000 00 08 0102030405060708 00000001 6b").empty());
  CHECK(app("c0 12345678 08 0102030405060708 00 00 05 0102030405").empty());
  CHECK(app("c0 00000001 15 0102030405060708").empty());
  CHECK(app("80 00000001 08 0102030405060708 00 00 05 0102030405").empty());  // no fixed bit
}

TEST_CASE("quic: packets cut at every byte, and with every byte changed") {
  const std::string packet = quic_initial(kId, published_frame(), 2, 300);
  for (size_t cut = 0; cut < packet.size(); ++cut) {
    Segments segments;
    CHECK_FALSE(has(segments.udp(50000, 443, packet, cut), Field::tls_sni));
    CHECK_FALSE(has(segments.udp(50000, 443, std::string_view(packet).substr(0, cut)), Field::tls_sni));
    std::string changed = packet;
    changed[cut] = static_cast<char>(changed[cut] ^ 0x55);
    CHECK_FALSE(has(segments.udp(50000, 443, changed), Field::tls_sni));
  }
}

TEST_CASE("quic: frames that lie") {
  Segments segments;
  for (const std::string_view hex :
       {"06 00 7fff", "06 bfffffff 01 41", "06 ffffffffffffffff ffffffffffffffff",
        "02 00 00 ffffffffffffffff 00", "1c", "06 00 04 01ffffff", "06 00 08 0100000003ffffff"}) {
    CHECK_FALSE(has(segments.udp(50000, 443, quic_initial(kId, from_hex(hex))), Field::tls_sni));
  }
}

TEST_CASE("quic: many small frames with gaps stay bounded") {
  std::string frames;
  for (size_t i = 0; i < 200; ++i) frames += crypto_frame(i * 80, "x");
  Segments segments;
  for (uint32_t i = 0; i < 4; ++i) {
    CHECK_FALSE(has(segments.udp(50000, 443, quic_initial(kId, frames, i)), Field::tls_sni));
  }
}
