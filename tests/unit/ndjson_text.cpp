#include <random>
#include <string>

#include <arpa/inet.h>
#include <catch2/catch.hpp>

#include "libcommon/ndjson/output.h"
#include "libcommon/ndjson/text.h"

using namespace wl;

namespace {

template <class Put, class... Args>
std::string written(Put put, const Args&... args) {
  std::string room(4096, '#');
  char* const end = put(room.data(), args...);
  return room.substr(0, static_cast<size_t>(end - room.data()));
}

std::string ipv6(const char* text) {
  std::array<uint8_t, 16> bytes{};
  REQUIRE(::inet_pton(AF_INET6, text, bytes.data()) == 1);
  return written(ndjson::put_ipv6, bytes.data());
}

}  // namespace

TEST_CASE("numbers are written as std::to_string writes them") {
  const auto value = GENERATE(0U, 1U, 9U, 10U, 99U, 100U, 999U, 1000U, 9999U, 10000U, 10001U, 99999U, 100000U,
                              12345678U, 99999999U, 100000000U, 4294967295U);
  CHECK(written(ndjson::put_u32, value) == std::to_string(value));
  CHECK(written(ndjson::put_u64, uint64_t{value} << 20) == std::to_string(uint64_t{value} << 20));
}

TEST_CASE("every number of up to five digits") {
  for (uint32_t value = 0; value < 100000; ++value) {
    if (written(ndjson::put_u32, value) != std::to_string(value)) FAIL(value);
  }
}

TEST_CASE("strings are escaped wherever the character stands") {
  const std::string plain = "0123456789abcdef";
  for (size_t at = 0; at <= plain.size(); ++at) {
    for (const auto& [raw, escaped] :
         std::initializer_list<std::pair<std::string, std::string>>{{"\"", "\\\""},
                                                                    {"\\", "\\\\"},
                                                                    {"\n", "\\n"},
                                                                    {"\r", "\\r"},
                                                                    {"\t", "\\t"},
                                                                    {std::string(1, '\0'), "\\u0000"},
                                                                    {"\x1f", "\\u001f"},
                                                                    {"\x7f", "\\u007f"},
                                                                    {"\xc3\xa4", "\xc3\xa4"},
                                                                    {"/", "/"}}) {
      const std::string text = plain.substr(0, at) + raw + plain.substr(at);
      CHECK(written(ndjson::put_string, std::string_view(text)) ==
            '"' + plain.substr(0, at) + escaped + plain.substr(at) + '"');
      CHECK(written(ndjson::put_string, std::string_view(text)).size() <= ndjson::string_room(text));
    }
  }
}

TEST_CASE("IPv4 addresses") {
  const uint8_t low[] = {0, 9, 10, 99};
  const uint8_t high[] = {100, 199, 200, 255};
  CHECK(written(ndjson::put_ipv4, &low[0]) == "0.9.10.99");
  CHECK(written(ndjson::put_ipv4, &high[0]) == "100.199.200.255");
}

TEST_CASE("IPv6 addresses as RFC 5952 has them") {
  CHECK(ipv6("2001:0DB8:0:0:0:0:2:1") == "2001:db8::2:1");
  CHECK(ipv6("2001:db8:0:1:1:1:1:1") == "2001:db8:0:1:1:1:1:1");
  CHECK(ipv6("2001:0:0:1:0:0:0:1") == "2001:0:0:1::1");
  CHECK(ipv6("2001:db8:0:0:1:0:0:1") == "2001:db8::1:0:0:1");
  CHECK(ipv6("::") == "::");
  CHECK(ipv6("::1") == "::1");
  CHECK(ipv6("fe80::") == "fe80::");
  CHECK(ipv6("::ffff:192.0.2.1") == "::ffff:192.0.2.1");
}

TEST_CASE("IPv6 text reads back as the same address") {
  std::mt19937 random(5952);
  for (int i = 0; i < 20000; ++i) {
    std::array<uint8_t, 16> bytes{};
    for (auto& byte : bytes) byte = random() % 3 == 0 ? static_cast<uint8_t>(random()) : 0;
    std::array<uint8_t, 16> back{};
    REQUIRE(::inet_pton(AF_INET6, written(ndjson::put_ipv6, bytes.data()).c_str(), back.data()) == 1);
    REQUIRE(back == bytes);
  }
}

TEST_CASE("base64 of every remainder") {
  const auto encode = [](std::string_view text) {
    return written(ndjson::put_base64, std::span(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
  };
  CHECK(encode("").empty());
  CHECK(encode("f") == "Zg==");
  CHECK(encode("fo") == "Zm8=");
  CHECK(encode("foo") == "Zm9v");
  CHECK(encode("foobar") == "Zm9vYmFy");
}
