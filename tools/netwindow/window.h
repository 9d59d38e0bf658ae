#pragma once
// One window of time: keys, their flows and protocols, all of them bounded.
//
// A packet of a known flow touches the flow's 64 bytes and nothing else; settle() adds the flows to their
// keys. When there are more keys than the limit, the window becomes crowded: flows are settled and no longer
// kept apart, and the smallest key makes room for each new one (space-saving, Metwally et al. 2005). What an
// evicted key had counted moves to `other`, so nothing is lost from the sums.
#include <array>
#include <climits>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "libcommon/base/hash.h"
#include "tools/netwindow/totals.h"

namespace wl::netwindow {

using base::Hash;
using base::HashTable;

enum class Direction : uint8_t { in, out, none };

enum class PortState : uint8_t {
  none,     ///< no ports in this protocol
  guessed,  ///< from the numbers
  told,     ///< by a SYN
};

/// A protocol of a key: what proto (an id of Names) and, where it has ports, which service port.
struct Service {
  uint8_t proto = 0;
  PortState state = PortState::none;
  uint16_t port = 0;
};

/// The packets of a flow within a key and a window.
struct Flow {
  Hash hash;
  int64_t first = INT64_MAX;
  int64_t last = INT64_MIN;
  std::array<uint64_t, 2> bytes{};    // in, out; all in [0] when directed is false
  std::array<uint32_t, 2> packets{};  // likewise
  uint32_t key : 31 = 0;              // slot
  uint32_t directed : 1 = 0;
  Service service{};
};

struct Protocol {
  Hash hash;
  uint64_t key_serial = 0;
  Service service{};
  uint32_t key = 0;  ///< slot; of a key with another serial when it was evicted
  uint64_t bytes = 0;
  uint64_t in_bytes = 0;
  uint64_t out_bytes = 0;
};

struct Key {
  Hash hash;           ///< {0, 0}: evicted
  std::string text{};  ///< its members of the record as JSON: "client":"10.0.0.7"
  Totals totals{};
  int64_t first = INT64_MAX;
  int64_t last = INT64_MIN;
  uint64_t serial = 0;      ///< never used twice in a window
  uint64_t flows = 0;       ///< counted so far
  bool flows_exact = true;  ///< false: there were more flows than `flows`
  uint64_t missed = 0;      ///< at most this much (bytes, or records) was counted as other before
  Protocol rest{};          ///< bytes of protocols for which there was no room, or no name
};

struct Limits {
  uint64_t keys = 0;
  uint64_t flows_per_key = 0;
  bool by_count = false;  ///< what makes a key small: its records in place of its bytes
};

class Window {
 public:
  Window(int64_t start, const Limits& limits) : start_(start), limits_(limits) {}

  [[nodiscard]] int64_t start() const { return start_; }
  [[nodiscard]] Flow* find_flow(const Hash& hash) { return flows_.find(hash); }

  /// The key of that hash; `make_text()` is asked for its text when it is new. The reference is good until
  /// the next call.
  template <class MakeText>
  [[nodiscard]] Key& key(const Hash& hash, const MakeText& make_text) {
    if (KeySlot* const found = index_.find(hash)) return keys_[found->slot];
    return add_key(hash, make_text());
  }

  /// Starts a flow in a key; null when there is no room for it, which the key then remembers.
  [[nodiscard]] Flow* add_flow(Key& key, const Hash& hash, const Service& service, bool directed);
  void count(Key& key, const Totals& totals, int64_t first, int64_t last);
  void count(Key& key, const Service& service, uint64_t bytes, uint64_t in_bytes, uint64_t out_bytes);

  /// From the packet of `ts` on the flow is one of `service`; what it had before stays where it was.
  void retell(Flow& flow, const Service& service, int64_t ts);
  /// Adds the flows to their keys and forgets them.
  void settle();
  [[nodiscard]] std::vector<Key>& keys() { return keys_; }
  [[nodiscard]] HashTable<Protocol>& protocols() { return protocols_; }
  [[nodiscard]] bool crowded() const { return crowded_; }
  /// Keys that were seen; in a crowded window only those kept.
  [[nodiscard]] uint64_t key_count() const { return index_.size(); }

  Totals unkeyed{};
  Totals other{};            ///< of evicted keys, and of input that has it
  bool directed = false;     ///< some packet had a direction
  bool nanoseconds = false;  ///< some time was finer than a microsecond
  bool keys_exact = true;    ///< false: the input itself had more keys than records

 private:
  void settle(const Flow& flow);
  struct KeySlot {
    Hash hash;
    uint32_t slot = 0;
  };
  using HeapEntry = std::pair<uint64_t, uint32_t>;  // size when it was put there, slot

  Key& add_key(const Hash& hash, std::string text);
  void become_crowded();
  [[nodiscard]] uint32_t slot_of(const Key& key) const { return static_cast<uint32_t>(&key - keys_.data()); }
  [[nodiscard]] uint64_t size_of(const Key& key) const {
    return key.missed + (limits_.by_count ? key.totals.packets : key.totals.bytes);
  }
  [[nodiscard]] uint32_t evict();
  [[nodiscard]] uint32_t make_room();

  int64_t start_;
  Limits limits_;
  bool crowded_ = false;
  uint64_t next_serial_ = 0;
  uint64_t missed_ = 0;  // the most that an evicted key may have had
  size_t text_bytes_ = 0;
  std::vector<Key> keys_;
  std::vector<HeapEntry> heap_;  // crowded: smallest first; sizes may have grown since
  std::vector<uint32_t> free_;   // crowded: slots of evicted keys
  HashTable<KeySlot> index_;
  HashTable<Flow> flows_;
  HashTable<Protocol> protocols_;
};

}  // namespace wl::netwindow
