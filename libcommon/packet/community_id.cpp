#include "libcommon/packet/community_id.h"

#include <algorithm>
#include <array>
#include <optional>

#include <openssl/evp.h>

#include "libcommon/ndjson/text.h"

namespace wl::packet {
namespace {

using record::Field;

constexpr uint8_t kIcmp = 1;
constexpr uint8_t kTcp = 6;
constexpr uint8_t kUdp = 17;
constexpr uint8_t kIcmpv6 = 58;
constexpr uint8_t kSctp = 132;

struct Pair {
  uint8_t a;
  uint8_t b;
};
// Types of messages that answer each other; they stand for the ports.
constexpr Pair kIcmpPairs[] = {{8, 0}, {13, 14}, {15, 16}, {10, 9}, {17, 18}};
constexpr Pair kIcmpv6Pairs[] = {{128, 129}, {133, 134}, {135, 136}, {130, 131}, {139, 140}, {144, 145}};

struct Ports {
  uint16_t source = 0;
  uint16_t destination = 0;
  bool one_way = false;  ///< the sender comes first whatever its address is
};

Ports icmp_ports(const record::Packet& packet, std::span<const Pair> pairs) {
  for (const Pair& pair : pairs) {
    if (packet.icmp_type == pair.a) return {pair.a, pair.b, false};
    if (packet.icmp_type == pair.b) return {pair.b, pair.a, false};
  }
  return {packet.icmp_type, packet.icmp_code, true};
}

/// What is hashed behind the protocol; nothing when the packet does not hold it.
std::optional<Ports> ports_of(const record::Packet& packet) {
  const bool icmp = packet.present.has(Field::icmp_type) && packet.present.has(Field::icmp_code);
  switch (packet.ip_proto) {
    case kTcp:
    case kUdp:
    case kSctp:
      if (!packet.present.has(Field::src_port) || !packet.present.has(Field::dst_port)) return std::nullopt;
      return Ports{packet.src_port, packet.dst_port, false};
    case kIcmp: return icmp ? std::optional(icmp_ports(packet, kIcmpPairs)) : std::nullopt;
    case kIcmpv6: return icmp ? std::optional(icmp_ports(packet, kIcmpv6Pairs)) : std::nullopt;
    default: return Ports{};
  }
}

bool has_ports(uint8_t protocol) {
  return protocol == kTcp || protocol == kUdp || protocol == kSctp || protocol == kIcmp ||
         protocol == kIcmpv6;
}

bool in_order(const record::Packet& packet, const Ports& ports) {
  if (ports.one_way) return true;
  const auto source = packet.src_ip.wire();
  const auto destination = packet.dst_ip.wire();
  if (std::ranges::equal(source, destination)) return ports.source <= ports.destination;
  return std::ranges::lexicographical_compare(source, destination);
}

using Input = std::array<uint8_t, 2 + 16 + 16 + 2 + 4>;

uint8_t* put_u16(uint8_t* out, uint16_t value) {
  *out++ = static_cast<uint8_t>(value >> 8);
  *out++ = static_cast<uint8_t>(value);
  return out;
}

/// seed, the addresses, protocol, padding, the ports; returns how many bytes.
size_t fill(const record::Packet& packet, Ports ports, Input& input) {
  auto first = packet.src_ip.wire();
  auto second = packet.dst_ip.wire();
  if (!in_order(packet, ports)) {
    std::swap(first, second);
    std::swap(ports.source, ports.destination);
  }
  uint8_t* out = put_u16(input.data(), 0);
  out = std::ranges::copy(second, std::ranges::copy(first, out).out).out;
  *out++ = packet.ip_proto;
  *out++ = 0;
  if (has_ports(packet.ip_proto)) out = put_u16(put_u16(out, ports.source), ports.destination);
  return static_cast<size_t>(out - input.data());
}

}  // namespace

CommunityId::CommunityId() : sha1_(EVP_MD_fetch(nullptr, "SHA1", nullptr)), context_(EVP_MD_CTX_new()) {}

std::string_view CommunityId::text(const record::Packet& packet, Scratch& scratch) {
  const bool has_flow = packet.present.has(Field::src_ip) && packet.present.has(Field::dst_ip) &&
                        packet.present.has(Field::ip_proto) && packet.src_ip.version == packet.dst_ip.version;
  const auto ports = has_flow ? ports_of(packet) : std::nullopt;
  if (!ports) return {};
  Input input{};
  const size_t size = fill(packet, *ports, input);
  std::array<uint8_t, 20> digest{};
  EVP_DigestInit_ex2(context_.get(), sha1_.get(), nullptr);
  EVP_DigestUpdate(context_.get(), input.data(), size);
  EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr);
  const auto room = scratch.take(2 + ndjson::base64_room(digest.size()));
  if (room.empty()) return {};
  (void)ndjson::put_base64(ndjson::put(room.data(), "1:"), digest);
  return {room.data(), room.size()};
}

}  // namespace wl::packet
