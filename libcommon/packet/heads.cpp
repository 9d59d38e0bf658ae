#include "libcommon/packet/heads.h"

#include <algorithm>
#include <cstring>

#include "libcommon/packet/quic_cipher.h"

namespace wl::packet {

HeadKey HeadKey::of(const record::Packet& packet, bool tcp) {
  HeadKey key;
  std::ranges::copy(packet.src_ip.wire(), key.source.begin());
  std::ranges::copy(packet.dst_ip.wire(), key.destination.begin());
  key.source_port = packet.src_port;
  key.destination_port = packet.dst_port;
  key.tcp = tcp;
  return key;
}

size_t Heads::Hash::operator()(const HeadKey& key) const {
  std::array<uint64_t, 4> words;
  std::memcpy(words.data(), key.source.data(), 16);
  std::memcpy(words.data() + 2, key.destination.data(), 16);
  uint64_t hash = uint64_t{key.source_port} << 32 | uint64_t{key.destination_port} << 1 | (key.tcp ? 1 : 0);
  for (const uint64_t word : words) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15ULL;
    hash ^= hash >> 29;
  }
  return hash;
}

Heads::Heads() = default;
Heads::~Heads() = default;

Head* Heads::find(const HeadKey& key) {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : &*found->second;
}

Head& Heads::start(const HeadKey& key) {
  drop(key);
  if (by_key_.size() >= kMaxFlows) drop(by_age_.front().key);
  Head& head = by_age_.emplace_back();
  head.key = key;
  by_key_[key] = std::prev(by_age_.end());
  ++by_ports_[slot(key.source_port, key.destination_port)];
  return head;
}

void Heads::drop(HeadKey key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return;
  by_age_.erase(found->second);
  by_key_.erase(found);
  --by_ports_[slot(key.source_port, key.destination_port)];
}

QuicCipher& Heads::quic_cipher() {
  if (!quic_cipher_) quic_cipher_ = std::make_unique<QuicCipher>();
  return *quic_cipher_;
}

}  // namespace wl::packet
