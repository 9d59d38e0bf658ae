// Packet detail: what a packet inspector shows.
#include <algorithm>

#include <catch2/catch.hpp>

#include "libcommon/packet/detail.h"
#include "tests/support/decoding.h"

namespace wl {
namespace {

using packet::DetailField;
using packet::DetailLayer;
using test::Bytes;
using test::from_hex;
using test::operator+;

constexpr uint16_t kEthernetLink = 1;

class Described {
 public:
  explicit Described(const Bytes& bytes, uint16_t link_type = kEthernetLink)
      : Described(bytes, bytes.size(), link_type) {}
  Described(const Bytes& bytes, size_t captured, uint16_t link_type)
      : block_(std::make_unique_for_overwrite<uint8_t[]>(captured)), size_(captured) {
    std::copy_n(bytes.begin(), captured, block_.get());
    add(bytes.size(), link_type);
  }

  [[nodiscard]] const std::vector<DetailLayer>& layers() const { return layers_; }
  [[nodiscard]] std::string names() const {
    std::string names;
    for (const auto& layer : layers_) names += std::string(layer.name) + ":";
    return names;
  }
  /// "value@offset+length" of each field of a key, one after the other.
  [[nodiscard]] std::string operator[](std::string_view key) const {
    std::string text;
    for (const auto& layer : layers_) {
      for (const DetailField& field : layer.fields) {
        if (field.key != key) continue;
        if (!text.empty()) text += ' ';
        text += field.value + "@" + std::to_string(field.offset) + "+" + std::to_string(field.length);
      }
    }
    return text;
  }

 private:
  void add(size_t length, uint16_t link_type) {
    packet::Decoder decoder({.wanted = {record::Field::layers}});
    record::Packet packet;
    decoder.decode({block_.get(), size_}, static_cast<uint32_t>(length), link_type, packet);
    layers_ = packet::describe({block_.get(), size_}, decoder.layers());
  }

  std::unique_ptr<uint8_t[]> block_;  // of the exact size: a read past the end is one past the block
  size_t size_;
  std::vector<DetailLayer> layers_;
};

/// Whatever the bytes are.
void check_sound(const Described& packet, size_t size) {
  for (const DetailLayer& layer : packet.layers()) {
    CHECK(layer.offset + layer.length <= size);
    CHECK(layer.fields.size() <= packet::kMaxDetailFields);
    for (const DetailField& field : layer.fields) {
      CHECK((!field.key.empty() && !field.label.empty()));
      CHECK(field.value.size() <= packet::kMaxDetailText);
      CHECK(field.offset + field.length <= size);
    }
  }
}

Bytes dns_answer() {
  return from_hex(
      "1234 8180 0001 0001 0000 0000"
      "03777777 076578616d706c65 03636f6d 00 0001 0001"
      "c00c 0001 0001 0000003c 0004 0a000007");
}

}  // namespace

TEST_CASE("detail: layers have their own bytes, and what nobody reads is data") {
  const Described packet(test::ethernet(0x0800, test::ipv4(17, test::udp(1111, 2222, from_hex("a1a2a3")))));
  REQUIRE(packet.names() == "eth:ip:udp:data:");
  const auto& layers = packet.layers();
  CHECK((layers[0].offset == 0 && layers[0].length == 14));
  CHECK((layers[1].offset == 14 && layers[1].length == 20));
  CHECK((layers[2].offset == 34 && layers[2].length == 8));
  CHECK((layers[3].offset == 42 && layers[3].length == 3));
  CHECK(layers[1].label == "Internet Protocol version 4");
}

TEST_CASE("detail: header fields have key, value and place") {
  const Described packet(test::ethernet(0x0800, test::ipv4(6, test::tcp(from_hex("00")))));
  CHECK(packet["eth.dst"] == "02:00:00:00:00:02@0+6");
  CHECK(packet["eth.type"] == "0x0800@12+2");
  CHECK(packet["ip.version"] == "4@14+1");
  CHECK(packet["ip.hdr_len"] == "20@14+1");
  CHECK(packet["ip.ttl"] == "64@22+1");
  CHECK(packet["ip.src"] == "10.0.0.1@26+4");
  CHECK(packet["tcp.srcport"] == "40000@34+2");
  CHECK(packet["tcp.flags"] == "0x0018@46+2");
  CHECK(packet["tcp.flags.push"] == "1@47+1");
  CHECK(packet["tcp.flags.syn"] == "0@47+1");
}

TEST_CASE("detail: a number that has a name says it") {
  const Described packet(test::ethernet(0x0800, test::ipv4(17, test::udp(1, 2, {}))));
  const auto& fields = packet.layers().at(1).fields;
  const auto found = std::ranges::find(fields, "ip.proto", &DetailField::key);
  REQUIRE(found != fields.end());
  CHECK(found->value == "17");
  CHECK(found->meaning == "UDP");
}

TEST_CASE("detail: options of TCP") {
  const Bytes header = from_hex(
      "9c40 1e61 00000001 00000000 b002 ffff 0000 0000"
      "0204 05b4 0402 080a 00000007 00000000 01 030307");
  const Described packet(test::ethernet(0x0800, test::ipv4(6, header)));
  CHECK(packet["tcp.option_kind"] == "2@54+1 4@58+1 8@60+1 1@70+1 3@71+1");
  CHECK(packet["tcp.options.mss_val"] == "1460@56+2");
  CHECK(packet["tcp.options.timestamp.tsval"] == "7@62+4");
  CHECK(packet["tcp.options.wscale.shift"] == "7@73+1");
}

TEST_CASE("detail: extension headers of IPv6 belong to it") {
  const Bytes destination = from_hex("11 00 01 04 00000000");
  const Described packet(
      test::ethernet(0x86dd, test::ipv6(60, destination + test::udp(1, 2, from_hex("ff")))));
  REQUIRE(packet.names() == "eth:ipv6:udp:data:");
  CHECK(packet["ipv6.dstopts.nxt"] == "17@54+1");
  CHECK(packet["ipv6.opt.type"] == "0x01@56+1");
  CHECK(packet.layers()[1].length == 48);
}

TEST_CASE("detail: names in DNS are whole where the message points back") {
  const Described packet(test::ethernet(0x0800, test::ipv4(17, test::udp(53, 40000, dns_answer()))));
  CHECK(packet["dns.id"] == "0x1234@42+2");
  CHECK(packet["dns.qry.name"] == "www.example.com@54+17");
  CHECK(packet["dns.resp.name"] == "www.example.com@75+2");
  CHECK(packet["dns.resp.ttl"] == "60@81+4");
  CHECK(packet["dns.a"] == "10.0.0.7@87+4");
}

TEST_CASE("detail: the name in a TLS ClientHello") {
  const Described packet(test::ethernet(
      0x0800, test::ipv4(6, test::tcp(from_hex("16 0301 0041 01 00003d 0303"
                                               "000102030405060708090a0b0c0d0e0f"
                                               "101112131415161718191a1b1c1d1e1f"
                                               "00 0002 1301 01 00 0012"
                                               "0000 000e 000c 00 0009 612e6578616d706c65")))));
  CHECK(packet["tls.record.length"] == "65@57+2");
  CHECK(packet["tls.handshake.type"] == "1@59+1");
  CHECK(packet["tls.handshake.ciphersuite"] == "0x1301@100+2");
  CHECK(packet["tls.handshake.extensions_server_name"] == "a.example@115+9");
}

TEST_CASE("detail: lines of an HTTP head") {
  const std::string_view text = "GET /a HTTP/1.1\r\nHost: example.com\r\nX-Own: \xff\r\n\r\nbody";
  const Described packet(test::ethernet(0x0800, test::ipv4(6, test::tcp(Bytes(text.begin(), text.end())))));
  CHECK(packet["http.request.method"] == "GET@54+3");
  CHECK(packet["http.request.uri"] == "/a@58+2");
  CHECK(packet["http.request.version"] == "HTTP/1.1@61+8");
  CHECK(packet["http.host"] == "example.com@71+19");
  CHECK(packet["http.request.line"] == "X-Own: \\xff@90+10");
}

TEST_CASE("detail: what completes an earlier packet's message has no place in this one") {
  packet::Decoder decoder({.wanted = {record::Field::layers, record::Field::http_host}});
  record::Packet packet;
  const std::string_view first = "GET /a HTTP/1.1\r\n";
  const std::string_view second = "Host: example.com\r\n\r\n";
  Bytes bytes = test::ethernet(0x0800, test::ipv4(6, test::tcp(Bytes(first.begin(), first.end()))));
  decoder.decode(bytes, static_cast<uint32_t>(bytes.size()), kEthernetLink, packet);
  const auto sequence = static_cast<uint8_t>(bytes.at(41) + first.size());
  bytes = test::ethernet(0x0800, test::ipv4(6, test::tcp(Bytes(second.begin(), second.end()))));
  bytes.at(41) = sequence;
  decoder.decode(bytes, static_cast<uint32_t>(bytes.size()), kEthernetLink, packet);
  const auto layers = packet::describe(bytes, decoder.layers());
  REQUIRE(layers.size() == 4);
  CHECK((layers[3].name == "http" && layers[3].length == 0));
  REQUIRE(layers[3].fields.size() == 1);
  CHECK(layers[3].fields[0].value == "example.com");
  CHECK(layers[3].fields[0].length == 0);
}

TEST_CASE("detail: fields that the capture cut are left out") {
  const Bytes bytes = test::ethernet(0x0800, test::ipv4(17, test::udp(53, 40000, dns_answer())));
  const Described packet(bytes, 27, kEthernetLink);  // inside of the source address
  CHECK(packet["ip.checksum"] == "0x" + packet["ip.checksum"].substr(2, 4) + "@24+2");
  CHECK(packet["ip.src"].empty());
  for (size_t captured = 0; captured <= bytes.size(); ++captured) {
    check_sound(Described(bytes, captured, kEthernetLink), captured);
  }
}

TEST_CASE("detail: every sample, whole, cut anywhere and with each lie") {
  for (const test::Sample& sample : test::packet_samples()) {
    INFO(sample.name);
    const Described whole(sample.bytes, sample.link_type);
    check_sound(whole, sample.bytes.size());
    CHECK(whole.names().starts_with(std::string(sample.layers) + ":"));
    for (size_t captured = 0; captured < sample.bytes.size(); ++captured) {
      check_sound(Described(sample.bytes, captured, sample.link_type), captured);
    }
    for (const test::Lie& lie : sample.lies) {
      Bytes bytes = sample.bytes;
      bytes.at(lie.at) = lie.value;
      check_sound(Described(bytes, sample.link_type), bytes.size());
    }
  }
}

TEST_CASE("detail: hostile bytes are bounded") {
  SECTION("pointers of DNS that point at themselves") {
    const Bytes loop = from_hex("1234 8180 0001 ffff 0000 0000 c00c 0001 0001 c00c 0001 0001 00000001 0000");
    const Described packet(test::ethernet(0x0800, test::ipv4(17, test::udp(53, 40000, loop))));
    check_sound(packet, 14 + 20 + 8 + loop.size());
    CHECK(packet["dns.count.answers"] == "65535@48+2");
    CHECK(packet["dns.qry.name"].empty());
  }
  SECTION("more fields than anybody reads") {
    Bytes records = from_hex("1234 8180 0000 0bb8 0000 0000");
    for (int i = 0; i < 3000; ++i) records = records + from_hex("00 0001 0001 00000001 0000");
    const Described packet(test::ethernet(0x0800, test::ipv4(17, test::udp(53, 40000, records))));
    CHECK(packet.layers().back().fields.size() == packet::kMaxDetailFields);
  }
  SECTION("a value without end") {
    const std::string text = "GET /" + std::string(20000, 'a') + " HTTP/1.1\r\n\r\n";
    const Bytes bytes = test::ethernet(0x0800, test::ipv4(6, test::tcp(Bytes(text.begin(), text.end()))));
    check_sound(Described(bytes), bytes.size());
  }
}

}  // namespace wl
