#pragma once
// Which packets belong together: one flow for both directions of the same addresses, ports and protocols.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libcommon/base/hash.h"
#include "libcommon/base/services.h"
#include "libcommon/packet/community_id.h"
#include "libcommon/record/packet.h"
#include "libcommon/store/tables.h"

namespace wl::store {

[[nodiscard]] std::vector<Column> flow_columns();

/// What all packets of a flow have in common, in the direction of its first packet.
struct FlowKey {
  record::Ip source{}, destination{};  ///< version 0: the packets have none
  uint16_t source_port = 0, destination_port = 0;
  bool has_ports = false;
  bool inner = false;   ///< a flow in a tunnel
  int ip_version = -1;  ///< -1: none, as of ip_proto
  int ip_proto = -1;
  std::string_view proto{};  ///< constant text
};

struct FlowSums {
  uint64_t packets = 0, bytes = 0, payload = 0;
  uint8_t tcp_flags = 0;
  bool begun = false;           ///< `first_sequence` is known
  uint32_t first_sequence = 0;  ///< of TCP
};

/// Numbers flows in the order in which they begin. At most kMaxFlows are held: then the half that was silent
/// longest becomes rows, and a packet of theirs that still comes begins a new flow.
class FlowTable {
 public:
  static constexpr size_t kMaxFlows = size_t{1} << 18;

  explicit FlowTable(const base::Services& services);

  struct Found {
    FlowKey key{};
    base::Hash id{};
  };
  /// The packet's flow, for add() of it, which is quicker when other things are done in between.
  [[nodiscard]] Found find(const record::Packet& packet) const;
  /// The flow that the packet counts for.
  FlowRef add(const Found& found, const record::Packet& packet);
  /// The flow inside of its tunnel, which has a row but no sums.
  FlowRef add_inner(const record::Packet& packet);

  /// Rows of flows that are over, and, at the end, of all.
  void finish();
  [[nodiscard]] Batch& batch() { return batch_; }
  /// The batch has to be written and cleared before the next add().
  [[nodiscard]] bool full() const { return batch_.rows() + kMaxFlows > Batch::kCapacity; }

 private:
  struct Flow {
    FlowKey key;
    uint32_t number = 0;
    uint64_t last_packet = 0;  // when it was seen last, counted in packets of all flows
    int64_t first_ns = 0, last_ns = 0;
    bool timed = false;
    uint64_t first_n = 0;
    FlowSums out{}, in{};
    uint32_t reuse = 0;                  // how often a SYN began the connection between these ports anew
    std::string_view app{}, app_port{};  // constant text
    std::string name{}, community_id{};
  };
  struct Entry {
    base::Hash hash;
    uint32_t index = 0;  // in flows_
  };

  [[nodiscard]] base::Hash hash(const FlowKey& key) const;
  Flow& flow_of(const Found& found, const record::Packet& packet);
  void begin(Flow& flow, const FlowKey& key, const record::Packet& packet);
  void count(Flow& flow, bool reverse, const record::Packet& packet);
  /// The half that was silent longest goes.
  void make_room();
  void write(const Flow& flow);
  void write_side(size_t column, const FlowSums& sums);

  const base::Services& services_;
  base::Hasher hasher_;
  base::HashTable<Entry> index_;
  std::vector<Flow> flows_;
  Batch batch_;
  packet::CommunityId community_id_;
  packet::Scratch scratch_;
  uint32_t next_number_ = 0;
  uint64_t packets_ = 0;
};

}  // namespace wl::store
