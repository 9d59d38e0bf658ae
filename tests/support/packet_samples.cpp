#include "tests/support/packet_samples.h"

#include "tests/support/segments.h"

namespace wl::test {
namespace {

Bytes be16(size_t value) { return {static_cast<uint8_t>(value >> 8), static_cast<uint8_t>(value)}; }

}  // namespace

Bytes from_hex(std::string_view hex) {
  const std::string bytes = support::from_hex(hex);
  return {bytes.begin(), bytes.end()};
}

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Bytes ethernet(uint16_t type, const Bytes& payload) {
  return from_hex("020000000002 020000000001") + be16(type) + payload;
}

Bytes ipv4(uint8_t protocol, const Bytes& payload) {
  return from_hex("4500") + be16(20 + payload.size()) + from_hex("0001 4000 40") + Bytes{protocol} +
         from_hex("0000 0a000001 0a000002") + payload;
}

Bytes ipv6(uint8_t next_header, const Bytes& payload) {
  return from_hex("60000000") + be16(payload.size()) + Bytes{next_header, 64} +
         from_hex("20010db8000000000000000000000001 20010db8000000000000000000000002") + payload;
}

Bytes udp(uint16_t source, uint16_t destination, const Bytes& payload) {
  return be16(source) + be16(destination) + be16(8 + payload.size()) + from_hex("0000") + payload;
}

Bytes tcp(const Bytes& payload) {
  return from_hex("9c40 1e61 00000001 00000002 5018 0200 0000 0000") + payload;
}

std::vector<Sample> packet_samples() {
  std::vector<Sample> all = link_samples();
  for (Sample& sample : network_samples()) all.push_back(std::move(sample));
  return all;
}

}  // namespace wl::test
