#include <catch2/catch.hpp>

#include "tests/support/segments.h"

using namespace wl;
using record::Field;
using support::big_endian;
using support::from_hex;
using support::Segments;

namespace {

bool has(const record::Packet& packet, Field field) { return packet.present.has(field); }

std::string label(std::string_view text) { return big_endian(text.size(), 1).append(text); }

/// "www.example.com" on the wire.
std::string name(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t dot = std::min(text.find('.'), text.size());
    out += label(text.substr(0, dot));
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  return out + '\0';
}

std::string header(uint16_t flags, size_t questions, size_t answers = 0, size_t authorities = 0,
                   size_t additionals = 0) {
  return big_endian(0x1234, 2) + big_endian(flags, 2) + big_endian(questions, 2) + big_endian(answers, 2) +
         big_endian(authorities, 2) + big_endian(additionals, 2);
}

std::string question(std::string_view wire_name, uint16_t type) {
  return std::string(wire_name) + big_endian(type, 2) + big_endian(1, 2);
}

std::string answer(std::string_view wire_name, uint16_t type, std::string_view data, uint32_t ttl = 60) {
  return std::string(wire_name) + big_endian(type, 2) + big_endian(1, 2) + big_endian(ttl, 4) +
         big_endian(data.size(), 2).append(data);
}

const std::string kPointer = from_hex("c00c");  // to the question's name

/// The name of a query on port 53.
std::string queried(std::string_view wire_name) {
  Segments segments;
  const auto& packet = segments.udp(40000, 53, header(0x0100, 1) + question(wire_name, 1));
  return has(packet, Field::dns_qname) ? std::string(packet.dns_qname) : "(none)";
}

}  // namespace

TEST_CASE("dns: a query") {
  Segments segments;
  const auto& packet = segments.udp(40000, 53, header(0x0100, 1) + question(name("www.Example.com"), 28));
  CHECK(packet.app == "dns");
  CHECK(packet.layers == "ip:udp:dns");
  CHECK(packet.dns_id == 0x1234);
  CHECK_FALSE(packet.dns_response);
  CHECK(packet.dns_qname == "www.Example.com");
  CHECK(packet.name == "www.Example.com");
  CHECK(packet.dns_qtype == "AAAA");
  CHECK_FALSE(has(packet, Field::dns_rcode));
  CHECK_FALSE(has(packet, Field::dns_answers));
  CHECK_FALSE(has(packet, Field::malformed_at));
  CHECK(packet.info == "DNS query AAAA www.Example.com");
}

TEST_CASE("dns: answers as text") {
  const std::string message =
      header(0x8180, 1, 10) + question(name("example.com"), 255) + answer(kPointer, 1, from_hex("c0000201")) +
      answer(kPointer, 28, from_hex("20010db8000000000000000000000001")) +
      answer(kPointer, 5, label("www") + kPointer) + answer(kPointer, 2, name("ns.example.net")) +
      answer(kPointer, 15, big_endian(10, 2) + label("mail") + kPointer) +
      answer(kPointer, 16, label("v=spf1 ") + label("-all \\ \xff")) +
      answer(kPointer, 33,
             big_endian(1, 2) + big_endian(2, 2) + big_endian(5060, 2) + name("sip.example.com")) +
      answer(kPointer, 12, name("host.local")) + answer(kPointer, 48, "some key") +
      answer(kPointer, 1, from_hex("c00002"));
  Segments segments;
  const auto& packet = segments.udp(53, 40000, message);
  CHECK(packet.dns_response);
  CHECK(packet.dns_rcode == "NOERROR");
  REQUIRE(has(packet, Field::dns_answers));
  const std::vector<std::string> texts(packet.dns_answers.begin(), packet.dns_answers.end());
  CHECK(texts == std::vector<std::string>{"192.0.2.1", "2001:db8::1", "www.example.com", "ns.example.net",
                                          "10 mail.example.com", "v=spf1 -all \\\\ \\xff",
                                          "1 2 5060 sip.example.com", "host.local"});
  CHECK_FALSE(has(packet, Field::malformed_at));
}

TEST_CASE("dns: answer codes, those of EDNS included") {
  const auto rcode = [](uint16_t low, uint8_t high) {
    Segments segments;
    const std::string opt = answer(std::string(1, '\0'), 41, "", uint32_t{high} << 24);
    const auto& packet =
        segments.udp(53, 40000, header(0x8180 | low, 1, 0, 0, 1) + question(name("a.b"), 1) + opt);
    return std::string(packet.dns_rcode);
  };
  CHECK(rcode(3, 0) == "NXDOMAIN");
  CHECK(rcode(5, 0) == "REFUSED");
  CHECK(rcode(0, 1) == "BADVERS");
  CHECK(rcode(7, 1) == "BADCOOKIE");
  CHECK(rcode(12, 0) == "12");
}

TEST_CASE("dns: types without a name") {
  Segments segments;
  CHECK(segments.udp(40000, 53, header(0x0100, 1) + question(name("a.b"), 65280)).dns_qtype == "TYPE65280");
  CHECK(segments.udp(40000, 53, header(0x0100, 1) + question(name("a.b"), 32769)).dns_qtype == "DLV");
}

TEST_CASE("dns: names escape what a name cannot hold") {
  CHECK(queried(std::string(1, '\0')) == ".");
  CHECK(queried(label("a.b") + label("c") + '\0') == "a\\.b.c");
  CHECK(queried(label("a\\") + '\0') == "a\\\\");
  CHECK(queried(label("\xff\xfe") + '\0') == "\\xff\\xfe");
  CHECK(queried(label("gr\xc3\xbc\xc3\x9f") + '\0') == "gr\xc3\xbc\xc3\x9f");
  CHECK(queried(label(std::string("\0x", 2)) + '\0') == std::string("\0x", 2));
}

TEST_CASE("dns: names that are too long, loop or lead nowhere are malformed") {
  std::string longest;
  for (int i = 0; i < 3; ++i) longest += label(std::string(63, 'a'));
  CHECK(queried(longest + label(std::string(61, 'b')) + '\0').size() == 253);
  CHECK(queried(longest + label(std::string(62, 'b')) + '\0') == "(none)");
  CHECK(queried(kPointer) == "(none)");                       // to itself
  CHECK(queried(label("a") + kPointer) == "(none)");          // to its own beginning
  CHECK(queried(label("a") + from_hex("c0ff")) == "(none)");  // behind the end
  CHECK(queried(label("a") + from_hex("c013")) == "(none)");  // forwards
  CHECK(queried(from_hex("4161")) == "(none)");               // extended label
  Segments segments;
  CHECK(segments.udp(40000, 53, header(0x0100, 1) + question(kPointer, 1)).malformed_at == "dns");
}

TEST_CASE("dns: pointers in long chains cost no more than their message") {
  std::string chain = label("a") + '\0';
  for (size_t at = 12; at < 4000; at += 2) chain += big_endian(0xc000U | (at == 12 ? 12 : at + 1), 2);
  std::string message = header(0x8000, 0, 2000) + chain;
  for (int i = 0; i < 2000; ++i) message += answer(from_hex("cf00"), 5, from_hex("cf00"));
  Segments segments;
  CHECK(segments.udp(53, 40000, message).app == "dns");
}

TEST_CASE("dns: the ports of its relatives") {
  Segments segments;
  const std::string query = header(0, 1) + question(name("printer.local"), 12);
  CHECK(segments.udp(5353, 5353, query).app == "mdns");
  CHECK(segments.udp(5353, 5353, query).layers == "ip:udp:mdns");
  CHECK(segments.udp(40000, 5355, query).app == "llmnr");
  const auto& answered = segments.udp(5353, 5353, header(0x8400, 0, 1) + answer(name("a.local"), 1, "1234"));
  CHECK(answered.dns_response);
  CHECK_FALSE(has(answered, Field::dns_qname));
  CHECK(answered.dns_answers.size() == 1);
}

TEST_CASE("dns: other ports need a whole plain question") {
  Segments segments;
  const std::string query = header(0x0100, 1) + question(name("example.com"), 16);
  CHECK(segments.udp(40000, 443, query).dns_qname == "example.com");
  CHECK_FALSE(has(segments.udp(40000, 443, query + "x"), Field::app));
  CHECK_FALSE(has(segments.udp(40000, 443, std::string(40, '\0')), Field::app));
  CHECK_FALSE(has(segments.udp(40000, 443, std::string(40, '\x01')), Field::app));
  CHECK_FALSE(has(segments.udp(40000, 53, std::string(40, '\xfe')), Field::app));
}

TEST_CASE("dns: over TCP behind its length") {
  Segments segments;
  const std::string query = header(0x0100, 1) + question(name("example.com"), 252);
  const auto& packet = segments.tcp(40000, 53, 1, big_endian(query.size(), 2) + query + "more");
  CHECK(packet.app == "dns");
  CHECK(packet.layers == "ip:tcp:dns");
  CHECK(packet.dns_qtype == "AXFR");
  const std::string answers = header(0x8400, 1, 500) + question(name("example.com"), 252);
  const auto& first = segments.tcp(53, 40000, 1, big_endian(60000, 2) + answers);
  CHECK(first.dns_qname == "example.com");
  CHECK_FALSE(has(first, Field::malformed_at));  // the rest comes in other segments
}

TEST_CASE("dns: messages cut at every byte") {
  const std::string message = header(0x8180, 1, 2, 0, 1) + question(name("example.com"), 1) +
                              answer(kPointer, 5, label("www") + kPointer) +
                              answer(label("www") + kPointer, 1, from_hex("c0000201")) +
                              answer(std::string(1, '\0'), 41, "");
  for (size_t cut = 0; cut < message.size(); ++cut) {
    CAPTURE(cut);
    Segments segments;
    const auto& captured = segments.udp(53, 40000, message, cut);
    CHECK(has(captured, Field::truncated_at));
    CHECK_FALSE(has(captured, Field::malformed_at));
    CHECK(has(captured, Field::dns_qname) == cut >= 12 + 13 + 4);
    const auto& shortened = segments.udp(53, 40000, message.substr(0, cut));
    CHECK_FALSE(has(shortened, Field::truncated_at));
    CHECK(has(shortened, Field::malformed_at) == has(shortened, Field::app));
  }
}
