#include "tests/bench/capture/frame.h"

#include <cstring>
#include <span>
#include <string_view>

#include "tests/bench/capture/random.h"

namespace wl::bench {
namespace {

constexpr size_t kNoiseSize = 1U << 16U;
constexpr size_t kLargestPayload = 2048;
constexpr size_t kSmallestFrame = 60;  // Ethernet's 64 without the check sequence
constexpr uint16_t kTypeIpv4 = 0x0800;
constexpr uint16_t kTypeArp = 0x0806;
constexpr uint16_t kTypeVlan = 0x8100;
constexpr uint16_t kTypeIpv6 = 0x86DD;

const Host& sender(const Flow& flow, bool reply) { return reply ? flow.server : flow.client; }
const Host& receiver(const Flow& flow, bool reply) { return reply ? flow.client : flow.server; }

/// Ones' complement sum (RFC 1071), in the machine's byte order.
uint64_t add_words(uint64_t sum, std::string_view bytes) {
  while (bytes.size() >= 4) {
    uint32_t word = 0;
    std::memcpy(&word, bytes.data(), 4);
    sum += word;
    bytes.remove_prefix(4);
  }
  if (!bytes.empty()) {
    uint32_t word = 0;
    std::memcpy(&word, bytes.data(), bytes.size());
    sum += word;
  }
  return sum;
}

/// The folded complement as the two bytes that stand in the packet, first byte high.
uint16_t finish(uint64_t sum) {
  while (sum > 0xFFFF) sum = (sum & 0xFFFFU) + (sum >> 16U);
  const auto folded = static_cast<uint16_t>(~sum);
  std::array<uint8_t, 2> bytes{};
  std::memcpy(bytes.data(), &folded, 2);
  return static_cast<uint16_t>((bytes[0] << 8U) | bytes[1]);
}

template <size_t Size>
std::string_view view(const std::array<uint8_t, Size>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), Size};
}

uint32_t spread(uint32_t value) { return value * 2654435761U; }  // Knuth's multiplicative hash

}  // namespace

FrameWriter::FrameWriter(const Plan& plan, uint64_t seed) : plan_(plan), noise_(kNoiseSize, '\0') {
  Random random(seed);
  for (char& byte : noise_) byte = static_cast<char>(random.byte());
}

void FrameWriter::put16(uint32_t value) {
  bytes_ += static_cast<char>(value >> 8U);
  bytes_ += static_cast<char>(value);
}
void FrameWriter::put32(uint32_t value) {
  put16(value >> 16U);
  put16(value & 0xFFFFU);
}
void FrameWriter::patch16(size_t at, uint32_t value) {
  bytes_[at] = static_cast<char>(value >> 8U);
  bytes_[at + 1] = static_cast<char>(value);
}

const std::string& FrameWriter::frame(const Packet& packet) {
  const Flow& flow = plan_.flows[packet.flow];
  bytes_.clear();
  if (flow.protocol == Protocol::arp) {
    arp(flow, packet.reply);
  } else {
    const uint16_t type = flow.ipv6 ? kTypeIpv6 : kTypeIpv4;
    ethernet(sender(flow, packet.reply), receiver(flow, packet.reply), flow.client.vlan, type);
    const size_t options = (packet.tcp_flags & tcp_flag::kSyn) != 0 ? 20 : (flow.tcp_timestamps ? 12 : 0);
    const size_t header = flow.protocol == Protocol::tcp ? 20 + options : 8;
    ip(flow, packet, header + packet.size);
    const size_t transport = bytes_.size();
    size_t checksum_at = transport + 6;
    if (flow.protocol == Protocol::tcp) {
      tcp(flow, packet);
      checksum_at = transport + 16;
    } else if (flow.protocol == Protocol::udp) {
      put16(packet.reply ? flow.server_port : flow.client_port);
      put16(packet.reply ? flow.client_port : flow.server_port);
      put16(8U + packet.size);
      put16(0);
    } else {
      icmp(flow, packet);
      checksum_at = transport + 2;
    }
    payload(flow, packet);
    patch16(checksum_at,
            transport_checksum(flow, packet.reply, static_cast<uint8_t>(flow.protocol), transport));
  }
  if (bytes_.size() < kSmallestFrame) bytes_.resize(kSmallestFrame, '\0');
  return bytes_;
}

void FrameWriter::ethernet(const Host& from, const Host& to, uint16_t vlan, uint16_t type) {
  bytes_.append(view(to.mac)).append(view(from.mac));
  if (vlan != 0) {
    put16(kTypeVlan);
    put16(vlan);
  }
  put16(type);
}

void FrameWriter::arp(const Flow& flow, bool reply) {
  Host everyone;
  everyone.mac.fill(0xFF);
  ethernet(sender(flow, reply), reply ? flow.client : everyone, flow.client.vlan, kTypeArp);
  put16(1);
  put16(kTypeIpv4);
  put16(0x0604);
  put16(reply ? 2 : 1);
  bytes_.append(view(sender(flow, reply).mac)).append(view(sender(flow, reply).ipv4));
  bytes_.append(reply ? view(flow.client.mac) : std::string_view("\0\0\0\0\0\0", 6));
  bytes_.append(view(receiver(flow, reply).ipv4));
}

void FrameWriter::ip(const Flow& flow, const Packet& packet, size_t size) {
  const Host& from = sender(flow, packet.reply);
  const Host& to = receiver(flow, packet.reply);
  const auto protocol = static_cast<uint8_t>(flow.protocol);
  if (flow.ipv6) {
    put32(0x60000000U | (spread(packet.flow) & 0xFFFFFU));
    put16(static_cast<uint32_t>(size));
    put16((uint32_t{protocol} << 8U) | from.ttl);
    bytes_.append(view(from.ipv6)).append(view(to.ipv6));
    return;
  }
  const size_t at = bytes_.size();
  put16(0x4500);
  put16(static_cast<uint32_t>(20 + size));
  put16((spread(packet.flow) >> 16U) + packet.seq);
  put16(0x4000);  // don't fragment
  put16((uint32_t{from.ttl} << 8U) | protocol);
  put16(0);
  bytes_.append(view(from.ipv4)).append(view(to.ipv4));
  patch16(at + 10, finish(add_words(0, std::string_view(bytes_).substr(at, 20))));
}

void FrameWriter::tcp(const Flow& flow, const Packet& packet) {
  const bool syn = (packet.tcp_flags & tcp_flag::kSyn) != 0;
  put16(packet.reply ? flow.server_port : flow.client_port);
  put16(packet.reply ? flow.client_port : flow.server_port);
  put32(packet.seq);
  put32(packet.ack);
  const uint32_t words = syn ? 10 : (flow.tcp_timestamps ? 8 : 5);
  put16((words << 12U) | packet.tcp_flags);
  put16(syn ? 64240 : 400 + (spread(packet.ack) >> 24U));  // scaled by 128 once the handshake is done
  put32(0);                                                // checksum, urgent pointer
  tcp_options(flow, packet);
}

void FrameWriter::tcp_options(const Flow& flow, const Packet& packet) {
  const auto milliseconds = static_cast<uint32_t>(packet.time_us / 1000);
  const uint32_t offset = spread(packet.flow);
  const uint32_t own = milliseconds + (packet.reply ? offset : ~offset);
  const uint32_t echoed = packet.ack == 0 ? 0 : milliseconds - 1 + (packet.reply ? ~offset : offset);
  if ((packet.tcp_flags & tcp_flag::kSyn) != 0) {
    put32(0x02040000U | (flow.ipv6 ? 1440U : 1460U));  // maximum segment size
    put16(0x0402);                                     // SACK permitted
    if (flow.tcp_timestamps) {
      put16(0x080A);
      put32(own);
      put32(echoed);
    } else {
      for (int i = 0; i < 5; ++i) put16(0x0101);
    }
    put32(0x01030307);  // window scale 7
  } else if (flow.tcp_timestamps) {
    put32(0x0101080A);
    put32(own);
    put32(echoed);
  }
}

void FrameWriter::icmp(const Flow& flow, const Packet& packet) {
  const bool six = flow.protocol == Protocol::icmpv6;
  const uint32_t request = six ? 128 : 8;
  const uint32_t answer = six ? 129 : 0;
  put16((packet.reply ? answer : request) << 8U);
  put16(0);
  put16(flow.client_port);
  put16(packet.seq / 2 + 1);
}

void FrameWriter::payload(const Flow& flow, const Packet& packet) {
  size_t left = packet.size;
  // An echo answer repeats what was asked: both packets of a pair take the same window.
  const bool echo = flow.protocol == Protocol::icmp || flow.protocol == Protocol::icmpv6;
  const uint32_t window = echo ? packet.flow + packet.seq / 2 : packet.seq + packet.flow + packet.reply;
  if (packet.body == Body::head) {
    const std::string& head = plan_.heads[packet.head];
    bytes_ += head;
    left -= head.size();
  } else if (packet.body == Body::tls_record) {
    put16(0x1703);
    bytes_ += '\x03';
    put16(static_cast<uint32_t>(left - 5));
    left -= 5;
  } else if (packet.body == Body::quic_short) {
    bytes_ += static_cast<char>(0x40U | (window & 0x1FU));
    left -= 1;
  } else if (packet.body == Body::media) {
    put16(0x8000);  // version 2, PCMU
    put16(packet.seq / 2);
    put32(packet.seq / 2 * 160);  // 20 ms at 8 kHz
    put32(spread(packet.flow) + packet.reply);
    left -= 12;
  }
  bytes_.append(noise_, spread(window) % (kNoiseSize - kLargestPayload), left);
}

uint16_t FrameWriter::transport_checksum(const Flow& flow, bool reply, uint8_t protocol, size_t from) const {
  const std::string_view segment = std::string_view(bytes_).substr(from);
  if (flow.protocol == Protocol::icmp) return finish(add_words(0, segment));
  const std::array<uint8_t, 8> tail{
      0, 0,       static_cast<uint8_t>(segment.size() >> 8U), static_cast<uint8_t>(segment.size()), 0, 0,
      0, protocol};
  uint64_t sum = add_words(0, view(tail));
  for (const Host* host : {&sender(flow, reply), &receiver(flow, reply)})
    sum = add_words(sum, flow.ipv6 ? view(host->ipv6) : view(host->ipv4));
  const uint16_t checksum = finish(add_words(sum, segment));
  return checksum == 0 && flow.protocol == Protocol::udp ? 0xFFFF : checksum;
}

}  // namespace wl::bench
