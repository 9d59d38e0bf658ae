// What holds for every decoder, checked with a packet of each.
#include <string_view>
#include <utility>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/support/decoding.h"

using namespace wl;
using record::Field;

namespace {

bool has_member(std::string_view json, std::string_view member) {
  const size_t at = json.find(member);
  return at != json.npos && (json[at + member.size()] == ',' || json[at + member.size()] == '}');
}

}  // namespace

TEST_CASE("each protocol's packet gives its layers and members") {
  test::Decoding decode;
  for (const test::Sample& sample : test::packet_samples()) {
    INFO(sample.name);
    const record::Packet& packet = decode(sample);
    INFO(decode.json());
    CHECK(packet.layers == sample.layers);
    CHECK_FALSE(packet.present.has(Field::truncated_at));
    CHECK_FALSE(packet.present.has(Field::malformed_at));
    for (const std::string_view member : sample.members) {
      INFO(member);
      CHECK(has_member(decode.json(), member));
    }
  }
}

TEST_CASE("a packet that is cut at any byte says so, and is not called malformed") {
  test::Decoding decode;
  for (const test::Sample& sample : test::packet_samples()) {
    for (size_t captured = 0; captured < sample.bytes.size(); ++captured) {
      const record::Packet& packet = decode(sample.bytes, captured, sample.bytes.size(), sample.link_type);
      const bool right = packet.present.has(Field::truncated_at) &&
                         !packet.present.has(Field::malformed_at) && packet.caplen == captured &&
                         packet.len == sample.bytes.size();
      INFO(sample.name << " cut at " << captured << ": " << decode.json());
      if (!right) CHECK(right);
    }
  }
}

TEST_CASE("a packet that ends early on the wire is not called cut") {
  test::Decoding decode;
  for (const test::Sample& sample : test::packet_samples()) {
    for (size_t size = 0; size < sample.bytes.size(); ++size) {
      const record::Packet& packet = decode(sample.bytes, size, size, sample.link_type);
      INFO(sample.name << " of " << size << " bytes: " << decode.json());
      if (packet.present.has(Field::truncated_at)) CHECK_FALSE(packet.present.has(Field::truncated_at));
      if (size == 0) CHECK(packet.present.has(Field::malformed_at));
    }
  }
}

TEST_CASE("a length that lies is noted at its layer") {
  test::Decoding decode;
  size_t lies = 0;
  for (test::Sample sample : test::packet_samples()) {
    for (const test::Lie& lie : sample.lies) {
      const uint8_t truth = std::exchange(sample.bytes[lie.at], lie.value);
      const record::Packet& packet = decode(sample);
      INFO(sample.name << ", byte " << lie.at << ": " << decode.json());
      CHECK(packet.malformed_at == lie.layer);
      CHECK(packet.present.has(Field::malformed_at));
      sample.bytes[lie.at] = truth;
      ++lies;
    }
  }
  CHECK(lies > 30);
}

TEST_CASE("any byte may be anything: the record stays valid JSON") {
  test::Decoding decode;
  for (test::Sample sample : test::packet_samples()) {
    for (uint8_t& byte : sample.bytes) {
      const uint8_t truth = byte;
      for (const uint8_t value : {uint8_t{0x00}, uint8_t{0xff}, static_cast<uint8_t>(truth ^ 0x80U),
                                  static_cast<uint8_t>(truth + 1)}) {
        byte = value;
        (void)decode(sample);
        const bool valid = nlohmann::json::accept(decode.json());
        INFO(sample.name << ": " << decode.json());
        if (!valid) CHECK(valid);
      }
      byte = truth;
    }
  }
}
