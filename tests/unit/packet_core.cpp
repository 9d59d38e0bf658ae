#include <array>
#include <string>

#include <catch2/catch.hpp>

#include "libcommon/base/services.h"
#include "libcommon/packet/byte_reader.h"
#include "libcommon/packet/heads.h"
#include "libcommon/packet/local_addresses.h"
#include "libcommon/packet/scratch.h"

using namespace wl;

TEST_CASE("a reader gives nothing past its end and consumes nothing then") {
  const std::array<uint8_t, 5> bytes{1, 2, 3, 4, 5};
  packet::ByteReader in(bytes, 9);
  CHECK(in.cut());
  CHECK_FALSE(in.take<6>());
  CHECK_FALSE(in.skip(6));
  CHECK(in.size() == 5);
  const auto head = in.take<3>();
  REQUIRE(head);
  CHECK(head->u16<1>() == 0x0203);
  CHECK(in.size() == 2);
  CHECK(in.wire_size() == 6);
  CHECK(in.at(1) == 5);
  CHECK_FALSE(in.at(2));
}

TEST_CASE("a length inside a header narrows the reader and knows what the capture cut") {
  const std::array<uint8_t, 4> bytes{1, 2, 3, 4};
  const packet::ByteReader in(bytes, 10);
  CHECK_FALSE(in.first(3).cut());
  CHECK(in.first(8).cut());
  CHECK(in.first(8).wire_size() == 8);
  CHECK(in.first(99).wire_size() == 10);
  CHECK(in.without_last(4).wire_size() == 6);
  CHECK(in.without_last(99).wire_size() == 0);
  packet::ByteReader rest = in;
  const packet::ByteReader part = rest.take_reader(6);
  CHECK(part.size() == 4);
  CHECK(part.wire_size() == 6);
  CHECK(rest.empty());
  CHECK(rest.wire_size() == 4);
}

TEST_CASE("text from the wire is UTF-8 from which the bytes can be had back") {
  packet::Scratch scratch;
  const auto text = [&](std::string_view bytes) { return std::string(packet::wire_text(bytes, scratch)); };
  CHECK(text("example.com") == "example.com");
  CHECK(text("a\\b") == "a\\\\b");
  CHECK(text("\xff") == "\\xff");
  CHECK(text("gr\xc3\xbc\xc3\x9f") == "gr\xc3\xbc\xc3\x9f");
  CHECK(text("\xc3") == "\\xc3");                             // cut sequence
  CHECK(text("\xc0\xaf") == "\\xc0\\xaf");                    // overlong
  CHECK(text("\xed\xa0\x80") == "\\xed\\xa0\\x80");           // surrogate
  CHECK(text("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");  // past U+10FFFF
  CHECK(text("\xf0\x9f\x98\x80") == "\xf0\x9f\x98\x80");
}

TEST_CASE("scratch memory gives what it has and no more") {
  packet::Scratch scratch;
  CHECK(scratch.take(packet::Scratch::kSize + 1).empty());
  const auto all = scratch.take(packet::Scratch::kSize);
  CHECK(all.size() == packet::Scratch::kSize);
  CHECK(scratch.take(1).empty());
  CHECK(scratch.take_list(1).empty());
  scratch.give_back(all.data() + 3);
  CHECK(scratch.take_list(2).size() == 2);
  CHECK(packet::wire_text(std::string(packet::Scratch::kSize, '\xff'), scratch).empty());
}

TEST_CASE("heads are bounded and the oldest goes first") {
  const auto key = [](uint16_t port) { return packet::HeadKey{.source_port = port, .tcp = true}; };
  packet::Heads heads;
  for (uint16_t i = 0; i <= packet::Heads::kMaxFlows; ++i) heads.start(key(i)).bytes.push_back('x');
  CHECK(heads.size() == packet::Heads::kMaxFlows);
  CHECK(heads.find(key(0)) == nullptr);
  REQUIRE(heads.find(key(1)) != nullptr);
  heads.drop(key(1));
  CHECK(heads.find(key(1)) == nullptr);
  CHECK(heads.start(key(2)).bytes.empty());
}

TEST_CASE("networks contain what their prefix says") {
  const auto contains = [](std::string_view network, std::string_view address) {
    const auto parsed = packet::parse_network(network);
    const auto ip = packet::parse_network(address);
    REQUIRE(parsed);
    REQUIRE(ip);
    return parsed->contains(ip->address);
  };
  CHECK(contains("10.0.0.0/8", "10.255.0.1"));
  CHECK_FALSE(contains("10.0.0.0/8", "11.0.0.1"));
  CHECK(contains("192.0.2.128/25", "192.0.2.200"));
  CHECK_FALSE(contains("192.0.2.128/25", "192.0.2.100"));
  CHECK(contains("192.0.2.7", "192.0.2.7"));
  CHECK(contains("0.0.0.0/0", "203.0.113.1"));
  CHECK_FALSE(contains("0.0.0.0/0", "2001:db8::1"));
  CHECK(contains("2001:db8::/33", "2001:db8:7fff::1"));
  CHECK_FALSE(contains("2001:db8::/33", "2001:db8:8000::1"));
  for (const char* const bad :
       {"", "10.0.0", "10.0.0.0/33", "10.0.0.0/", "::/129", "example.com", "1.2.3.4/-1"}) {
    CHECK_FALSE(packet::parse_network(bad));
  }
}

TEST_CASE("the service port: a SYN's destination, else the named one, else the lower") {
  const auto services = base::Services::parse(
      "https 443/tcp\ndomain 53/udp # names\n\n# 1/tcp\nbad 99999/tcp\nldap\t389/tcp\n");
  CHECK(services.name(true, 443) == "https");
  CHECK(services.name(false, 443).empty());
  CHECK(services.name(false, 53) == "domain");
  CHECK(services.service_port(true, 50000, 60000, true, false) == 60000);
  CHECK(services.service_port(true, 50000, 60000, true, true) == 50000);
  CHECK(services.service_port(true, 80, 443, false, true) == 443);
  CHECK(services.service_port(true, 443, 389, false, true) == 389);
  CHECK(services.service_port(true, 9000, 8000, false, true) == 8000);
  CHECK(base::Services::load("/nonexistent").name(true, 443).empty());
}
