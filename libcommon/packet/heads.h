#pragma once
// The beginnings of application messages (TLS ClientHello, QUIC CRYPTO, HTTP head) whose bytes come in
// several packets.
#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "libcommon/record/packet.h"

namespace wl::packet {

struct Protocol;
class QuicCipher;

/// One direction of one flow.
struct HeadKey {
  std::array<uint8_t, 16> source{};
  std::array<uint8_t, 16> destination{};
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  bool tcp = false;

  /// The direction that `packet`, with addresses and ports, belongs to.
  [[nodiscard]] static HeadKey of(const record::Packet& packet, bool tcp);
  friend bool operator==(const HeadKey&, const HeadKey&) = default;
};

/// What is known of an unfinished message.
struct Head {
  struct Range {
    size_t begin = 0;
    size_t end = 0;
  };

  HeadKey key;
  const Protocol* protocol = nullptr;  ///< decodes it when more is there
  uint32_t next_sequence = 0;          ///< TCP: of the first byte that is not here yet
  std::string bytes;
  std::string connection_id;  ///< QUIC: of the connection that `bytes` belong to
  std::vector<Range> filled;  ///< QUIC: parts of `bytes` that are there, in order, never touching
  bool done = false;          ///< QUIC: the message was whole; what comes again says nothing new
};

/// Bytes kept per flow direction until the head is whole. Bounded: at most kMaxFlows heads of at most
/// kMaxHead bytes; the oldest goes when a new one needs its place. Not for two threads.
class Heads {
 public:
  static constexpr size_t kMaxFlows = 1024;
  static constexpr size_t kMaxHead = size_t{16} << 10;

  Heads();
  ~Heads();
  Heads(const Heads&) = delete;
  Heads& operator=(const Heads&) = delete;

  /// False: nothing is kept for a flow between these ports. One look into a small table, so that the packets
  /// of other flows cost no more.
  [[nodiscard]] bool may_hold(uint16_t source_port, uint16_t destination_port) const {
    return by_ports_[slot(source_port, destination_port)] != 0;
  }
  /// What is kept of `key`, or nothing; good until the next start() or drop().
  [[nodiscard]] Head* find(const HeadKey& key);
  /// Starts to keep bytes of `key`; empty at first.
  Head& start(const HeadKey& key);
  void drop(HeadKey key);
  [[nodiscard]] size_t size() const { return by_key_.size(); }

  /// What opens QUIC Initial packets; it remembers the keys of the connection before.
  [[nodiscard]] QuicCipher& quic_cipher();

 private:
  struct Hash {
    size_t operator()(const HeadKey& key) const;
  };
  static constexpr size_t kSlots = 8192;
  [[nodiscard]] static size_t slot(uint16_t source_port, uint16_t destination_port) {
    return (source_port * 31U + destination_port) % kSlots;
  }

  std::list<Head> by_age_;  // newest last
  std::unordered_map<HeadKey, std::list<Head>::iterator, Hash> by_key_;
  std::array<uint16_t, kSlots> by_ports_{};  // heads in each slot
  std::unique_ptr<QuicCipher> quic_cipher_;
};

}  // namespace wl::packet
