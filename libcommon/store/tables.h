#pragma once
// What a capture becomes: the tables whose rows are its parts, and how a packet's record is divided among
// them. A key of the field table stands in exactly one of them:
//
//   packets    n, ts, len, flow, reverse, kind, and the numbers that differ from packet to packet, under
//   their
//              own keys; caplen only where it is not len
//   kinds      what stays the same in many packets, once: interface, link layer, layers, applications
//   flows      the addresses, ports and protocols that all packets of a flow have in common, and its sums
//   events     the names and messages of applications, of the packets that carry one
//   timeline   packets and bytes of each second, in the order in which the seconds come (a second may repeat)
//   interfaces what the capture says of its interfaces
//
// An address is a BLOB of 4 or 16 bytes, a MAC address a UBIGINT, a time a TIMESTAMP_NS, flags their byte.
// Absent is NULL. Text is the contract's: UTF-8, other bytes as \xNN.
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "libcommon/base/hash.h"
#include "libcommon/capture/source.h"
#include "libcommon/record/packet.h"
#include "libcommon/store/columns.h"

namespace wl::store {

enum class Table : uint8_t { packets, kinds, flows, events, timeline, interfaces };
inline constexpr std::array<std::string_view, 6> kTableNames{"packets", "kinds",    "flows",
                                                             "events",  "timeline", "interfaces"};

/// Where a key of the packet record is kept.
enum class Home : uint8_t {
  none,  ///< made anew from the bytes: info, payload, community_id
  packets,
  kinds,
  flows,  ///< src_ip …
  inner,  ///< inner_src_ip …: in the row of the inner flow, under the plain names
  events,
};
[[nodiscard]] Home home_of(record::Field field);
/// The keys that have the home.
[[nodiscard]] const record::FieldSet& fields_of(Home home);
/// What must be decoded of packets that are stored.
[[nodiscard]] record::FieldSet stored_fields();

/// All columns of a table. A part may lack those that are NULL in all of its rows.
[[nodiscard]] std::vector<Column> columns_of(Table table);

/// A packet's place in a flow.
struct FlowRef {
  uint32_t flow = 0;
  bool known = false;    ///< false: the packet has no flow
  bool reverse = false;  ///< from the flow's destination to its source
};

/// Columns for fields of the packet record, under the fields' keys.
class FieldColumns {
 public:
  /// Behind the columns `first`.
  FieldColumns(std::vector<Column> first, const record::FieldSet& fields);
  [[nodiscard]] const std::vector<Column>& all() const { return columns_; }
  /// Sets those that the packet has.
  void put(const record::Packet& packet, Batch& batch) const;

 private:
  record::FieldSet fields_;
  std::vector<Column> columns_;
  std::array<uint8_t, record::kFieldCount> places_{};
};

/// The packets table.
class PacketRows {
 public:
  PacketRows();
  /// `packet` with n, time and at_offset.
  void add(const record::Packet& packet, uint32_t kind, const FlowRef& flow, const FlowRef& inner);
  [[nodiscard]] Batch& batch() { return batch_; }

 private:
  FieldColumns fields_;
  Batch batch_;
};

/// The kinds table, and which are known: numbered in the order in which they come. When kMostKnown are, they
/// are forgotten, and those that come again get a row and a number again.
class KindRows {
 public:
  static constexpr size_t kMostKnown = size_t{1} << 18;

  KindRows();
  /// The packet's kind, for add() of it, which is quicker when other things are done in between.
  [[nodiscard]] base::Hash find(const record::Packet& packet, uint32_t interface) const;
  /// The kind's number.
  uint32_t add(const base::Hash& kind, const record::Packet& packet, uint32_t interface);
  [[nodiscard]] Batch& batch() { return batch_; }

 private:
  struct Known {
    base::Hash hash;
    uint32_t number = 0;
  };

  FieldColumns fields_;
  Batch batch_;
  base::Hasher hasher_;
  base::HashTable<Known> known_;
  uint32_t next_number_ = 0;
};

/// The events table.
class EventRows {
 public:
  EventRows();
  /// Whether the packet has anything for this table.
  [[nodiscard]] static bool wants(const record::Packet& packet);
  void add(const record::Packet& packet, const FlowRef& flow);
  [[nodiscard]] Batch& batch() { return batch_; }

 private:
  FieldColumns fields_;
  Batch batch_;
};

/// The timeline table.
class TimelineRows {
 public:
  TimelineRows();
  void add(const record::Packet& packet);
  /// The second that is not yet over; before the batch is written.
  void finish();
  [[nodiscard]] Batch& batch() { return batch_; }

 private:
  Batch batch_;
  int64_t second_ = 0;
  uint64_t packets_ = 0, bytes_ = 0;
};

/// The interfaces table, of all interfaces of a capture.
[[nodiscard]] Batch interface_rows(const std::vector<capture::Interface>& interfaces);

}  // namespace wl::store
