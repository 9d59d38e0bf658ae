#pragma once
// Packets of our own making, one or more for each protocol: what the unit tests decode and the seeds of the
// fuzz corpus.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wl::test {

using Bytes = std::vector<uint8_t>;

/// A byte changed so that the packet contradicts itself.
struct Lie {
  size_t at;
  uint8_t value;
  std::string_view layer;  ///< where decoding says that it met it (`malformed_at`)
};

struct Sample {
  std::string_view name;
  uint16_t link_type;
  Bytes bytes;
  std::string_view layers;
  std::vector<std::string_view> members{};  ///< of the JSON record: "\"vlan\":5"
  std::vector<Lie> lies{};
};

/// Whole packets whose lengths are true: of links and tags; of IP, what it carries, and tunnels; both.
[[nodiscard]] std::vector<Sample> link_samples();
[[nodiscard]] std::vector<Sample> network_samples();
[[nodiscard]] std::vector<Sample> packet_samples();

// The pieces that they are made of.
[[nodiscard]] Bytes from_hex(std::string_view hex);  ///< spaces are passed over
[[nodiscard]] Bytes operator+(Bytes a, const Bytes& b);
/// Ethernet from 02:00:00:00:00:01 to 02:00:00:00:00:02.
[[nodiscard]] Bytes ethernet(uint16_t type, const Bytes& payload);
/// IPv4 from 10.0.0.1 to 10.0.0.2, ttl 64.
[[nodiscard]] Bytes ipv4(uint8_t protocol, const Bytes& payload);
/// IPv6 from 2001:db8::1 to 2001:db8::2, hop limit 64.
[[nodiscard]] Bytes ipv6(uint8_t next_header, const Bytes& payload);
[[nodiscard]] Bytes udp(uint16_t source, uint16_t destination, const Bytes& payload);
/// An ACK with PSH, port 40000 to 7777.
[[nodiscard]] Bytes tcp(const Bytes& payload);

}  // namespace wl::test
