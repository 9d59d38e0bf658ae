#pragma once
// The beginnings of application messages (TLS ClientHello, QUIC CRYPTO, HTTP head) whose bytes come in
// several packets.
#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>

namespace wl::packet {

/// Which direction of which flow: a 128-bit hash of addresses, ports and protocol.
struct HeadKey {
  uint64_t high = 0;
  uint64_t low = 0;
  friend bool operator==(const HeadKey&, const HeadKey&) = default;
};

/// Bytes kept per flow direction until the head is whole. Bounded: at most kMaxFlows heads of at most
/// kMaxHead bytes; the oldest goes when a new one needs its place. Not for two threads.
class Heads {
 public:
  static constexpr size_t kMaxFlows = 1024;
  static constexpr size_t kMaxHead = size_t{16} << 10;

  /// What is kept of `key`, or nothing.
  [[nodiscard]] std::string* find(const HeadKey& key);
  /// Starts to keep bytes of `key`; empty at first.
  std::string& start(const HeadKey& key);
  void drop(HeadKey key);
  [[nodiscard]] size_t size() const { return by_key_.size(); }

 private:
  struct Hash {
    size_t operator()(const HeadKey& key) const { return key.high ^ (key.low * 0x9e3779b97f4a7c15ULL); }
  };
  struct Head {
    HeadKey key;
    std::string bytes;
  };
  std::list<Head> by_age_;  // newest last
  std::unordered_map<HeadKey, std::list<Head>::iterator, Hash> by_key_;
};

}  // namespace wl::packet
