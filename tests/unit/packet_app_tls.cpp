#include <catch2/catch.hpp>

#include "tests/support/hellos.h"
#include "tests/support/segments.h"

using namespace wl;
using record::Field;
using support::client_hello;
using support::Segments;
using support::tls_record;

namespace {

bool has(const record::Packet& packet, Field field) { return packet.present.has(field); }

}  // namespace

TEST_CASE("tls: a ClientHello says whom it wants and what it offers") {
  Segments segments;
  const auto& packet = segments.tcp(50000, 443, 1, tls_record(22, client_hello()));
  CHECK(packet.app == "tls");
  CHECK(packet.layers == "ip:tcp:tls");
  CHECK(packet.tls_sni == "www.example.org");
  CHECK(packet.name == "www.example.org");
  CHECK(packet.tls_version == "1.3");
  REQUIRE(has(packet, Field::tls_alpn));
  REQUIRE(packet.tls_alpn.size() == 2);
  CHECK(packet.tls_alpn[0] == "h2");
  CHECK(packet.tls_alpn[1] == "http/1.1");
  CHECK(packet.info == "TLS 1.3 Client Hello www.example.org");
}

TEST_CASE("tls: any port, any record, and nothing that only begins like one") {
  Segments segments;
  CHECK(segments.tcp(50000, 9999, 1, tls_record(23, "0123456789")).app == "tls");
  CHECK(segments.tcp(50000, 9999, 1, tls_record(21, "01")).app == "tls");
  CHECK_FALSE(has(segments.tcp(50000, 443, 1, "\x16\x03\x09..............."), Field::app));
  CHECK_FALSE(has(segments.tcp(50000, 443, 1, "\x16\x03\x03\xff\xff......."), Field::app));
  CHECK_FALSE(has(segments.tcp(50000, 443, 1, "\x16\x03"), Field::app));
}

TEST_CASE("tls: versions of hellos with and without the extension, drafts and reserved numbers") {
  Segments segments;
  const auto version = [&](std::vector<uint16_t> versions) {
    support::HelloText text;
    text.versions = std::move(versions);
    return std::string(segments.tcp(50000, 443, 1, tls_record(22, client_hello(text))).tls_version);
  };
  CHECK(version({}) == "1.2");
  CHECK(version({0x0303, 0x0302}) == "1.2");
  CHECK(version({0x2a2a, 0x7f1c, 0x0303}) == "1.3");
  CHECK(version({0x8a8a, 0x0301}) == "1.0");
}

TEST_CASE("tls: a ServerHello says what was chosen") {
  Segments segments;
  const auto& tls13 =
      segments.tcp(443, 50000, 1, tls_record(22, support::server_hello(0x0304)) + tls_record(20, "\1"));
  CHECK(tls13.tls_version == "1.3");
  CHECK_FALSE(has(tls13, Field::tls_sni));
  CHECK_FALSE(has(tls13, Field::tls_alpn));
  const auto& tls12 = segments.tcp(443, 50000, 1, tls_record(22, support::server_hello(0x0303, "h2")));
  CHECK(tls12.tls_version == "1.2");
  REQUIRE(tls12.tls_alpn.size() == 1);
  CHECK(tls12.tls_alpn[0] == "h2");
}

TEST_CASE("tls: a hello may follow an alert or a change of cipher specs, and may fill several records") {
  Segments segments;
  const std::string hello = client_hello();
  CHECK(segments.tcp(50000, 443, 1, tls_record(20, "\1") + tls_record(22, hello)).tls_sni ==
        "www.example.org");
  std::string records;
  for (size_t at = 0; at < hello.size(); at += 7) records += tls_record(22, hello.substr(at, 7));
  CHECK(segments.tcp(50000, 443, 1, records).tls_sni == "www.example.org");
}

TEST_CASE("tls: a hello in many segments is known on the last one") {
  support::HelloText text;
  text.padding = 1200;
  const std::string whole = tls_record(22, client_hello(text));
  const size_t step = GENERATE(size_t{6}, size_t{100}, size_t{1000}, size_t{1400});
  CAPTURE(step);
  Segments segments;
  for (size_t at = 0; at < whole.size(); at += step) {
    const auto& packet = segments.tcp(50000, 443, static_cast<uint32_t>(0xfffffff0U + at),
                                      std::string_view(whole).substr(at, step));
    const bool last = at + step >= whole.size();
    REQUIRE(has(packet, Field::tls_sni) == last);
    if (last) {
      CHECK(packet.tls_sni == "www.example.org");
      CHECK(packet.tls_version == "1.3");
      CHECK(packet.layers == "ip:tcp:tls");
    }
  }
}

TEST_CASE("tls: retransmissions change nothing, a gap drops the head") {
  support::HelloText text;
  text.padding = 300;
  const std::string whole = tls_record(22, client_hello(text));
  const std::string_view bytes = whole;
  Segments segments;
  segments.tcp(50000, 443, 100, bytes.substr(0, 100));
  segments.tcp(50000, 443, 200, bytes.substr(100, 100));

  SECTION("the first segment again") {
    CHECK(segments.tcp(50000, 443, 100, bytes.substr(0, 100)).app == "tls");
    CHECK(segments.tcp(50000, 443, 300, bytes.substr(200)).tls_sni == "www.example.org");
  }
  SECTION("an overlap") {
    CHECK(segments.tcp(50000, 443, 250, bytes.substr(150)).tls_sni == "www.example.org");
  }
  SECTION("a gap, and then what was missing") {
    CHECK_FALSE(has(segments.tcp(50000, 443, 350, bytes.substr(250)), Field::tls_sni));
    CHECK_FALSE(has(segments.tcp(50000, 443, 300, bytes.substr(200)), Field::tls_sni));
  }
  SECTION("another flow") {
    CHECK_FALSE(has(segments.tcp(50001, 443, 300, bytes.substr(200)), Field::tls_sni));
    CHECK_FALSE(has(segments.tcp(443, 50000, 300, bytes.substr(200)), Field::tls_sni));
  }
  SECTION("a segment that the capture cut") {
    CHECK_FALSE(has(segments.tcp(50000, 443, 300, bytes.substr(200), 5), Field::tls_sni));
    CHECK_FALSE(has(segments.tcp(50000, 443, 300, bytes.substr(200)), Field::tls_sni));
  }
}

TEST_CASE("tls: a hello on a SYN goes on behind it") {
  const std::string whole = tls_record(22, client_hello());
  Segments segments;
  segments.tcp(50000, 443, 100, std::string_view(whole).substr(0, 60), Segments::kAll, 0x02);
  CHECK(segments.tcp(50000, 443, 161, std::string_view(whole).substr(60)).tls_sni == "www.example.org");
}

TEST_CASE("tls: a hello that the capture cuts gives what is there") {
  const std::string whole = tls_record(22, client_hello());
  for (size_t cut = 0; cut < whole.size(); ++cut) {
    Segments segments;
    const auto& packet = segments.tcp(50000, 443, 1, whole, cut);
    CAPTURE(cut);
    CHECK(has(packet, Field::truncated_at));
    CHECK_FALSE(has(packet, Field::malformed_at));
    if (has(packet, Field::tls_sni)) CHECK(packet.tls_sni == "www.example.org");
  }
  Segments segments;
  CHECK(segments.tcp(50000, 443, 1, whole, whole.size() - 1).tls_sni == "www.example.org");
}

TEST_CASE("tls: lengths that lie are malformed, never read past") {
  const std::string hello = client_hello();
  for (size_t at = 0; at < hello.size(); ++at) {
    for (const char value : {'\xff', '\x00', '\x7f'}) {
      std::string bad = hello;
      bad[at] = value;
      Segments segments;
      const auto& packet = segments.tcp(50000, 443, 1, tls_record(22, bad));
      CHECK(packet.app == "tls");
    }
  }
  std::string bad = hello;
  bad[38] = '\xf0';  // a session id that is longer than the hello
  Segments segments;
  CHECK(segments.tcp(50000, 443, 1, tls_record(22, bad)).malformed_at == "tls");
}
