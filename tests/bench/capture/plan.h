#pragma once
// What is said when: every packet of the capture, before a byte of it is written.
#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/capture/world.h"

namespace wl::bench {

enum class Protocol : uint8_t { tcp = 6, udp = 17, icmp = 1, icmpv6 = 58, arp = 0 };

/// What a packet carries behind its transport header.
enum class Body : uint8_t {
  filler,      ///< bytes without meaning
  tls_record,  ///< one record of application data
  quic_short,  ///< a 1-RTT packet
  media,       ///< RTP (RFC 3550)
  head,        ///< Plan::heads[Packet::head], then filler up to `size`
};

struct Flow {
  Host client;
  Host server;
  Protocol protocol = Protocol::tcp;
  bool ipv6 = false;
  bool tcp_timestamps = false;
  uint16_t client_port = 0;
  uint16_t server_port = 0;
};

namespace tcp_flag {
inline constexpr uint8_t kFin = 1;
inline constexpr uint8_t kSyn = 2;
inline constexpr uint8_t kRst = 4;
inline constexpr uint8_t kPush = 8;
inline constexpr uint8_t kAck = 16;
}  // namespace tcp_flag

struct Packet {
  int64_t time_us = 0;  ///< since 1970
  uint32_t flow = 0;
  uint32_t seq = 0;  ///< TCP; ICMP echo: the sequence number
  uint32_t ack = 0;
  uint32_t head = 0;
  uint16_t size = 0;  ///< of the payload
  uint8_t tcp_flags = 0;
  Body body = Body::filler;
  bool reply = false;  ///< from the server
};

struct Plan {
  std::vector<Flow> flows;
  std::vector<Packet> packets;  ///< in the order of time
  std::vector<std::string> heads;
};

/// Exactly `packets` packets; the same for the same seed.
[[nodiscard]] Plan make_plan(uint64_t packets, uint64_t seed);

}  // namespace wl::bench
