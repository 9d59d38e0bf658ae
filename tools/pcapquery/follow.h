#pragma once
// The bytes that one end of a connection sent, in order, from segments that come late, twice or never.
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <vector>

namespace wl::pcapquery {

/// Bytes of a direction that are next in it, or so many that the capture does not have.
struct Piece {
  uint64_t offset = 0;               ///< of the first of them in the direction
  std::span<const uint8_t> bytes{};  ///< good during the call
  uint64_t missing = 0;              ///< not 0: there are no bytes
  uint64_t n = 0;                    ///< the packet that they were in; of what is missing the next one
  int64_t time_ns = 0;
  bool has_time = false;
};

struct Segment {
  uint32_t sequence = 0;
  bool syn = false;
  std::span<const uint8_t> bytes{};  ///< captured
  uint32_t length = 0;               ///< on the wire; at least bytes.size()
  uint64_t n = 0;
  int64_t time_ns = 0;
  bool has_time = false;
};

/// One direction of a TCP connection (RFC 9293, section 3.4: sequence numbers go round). What comes before
/// its turn is kept, up to kMostKept bytes, or until the other end has what it waits for; then that is
/// missing. Not for two threads.
class Direction {
 public:
  static constexpr size_t kMostKept = size_t{16} << 20;
  using Give = std::function<void(const Piece&)>;

  void add(const Segment& segment, const Give& give);
  /// The other end acknowledged everything before `sequence`.
  void acknowledged(uint32_t sequence, const Give& give);
  /// No more will come: what is kept is given, with what is missing in between.
  void finish(const Give& give);

 private:
  struct Kept {
    std::vector<uint8_t> bytes;
    uint32_t length = 0;
    uint64_t n = 0;
    int64_t time_ns = 0;
    bool has_time = false;
  };

  /// Where the sequence number stands in the direction, near what is next.
  [[nodiscard]] int64_t place(uint32_t sequence) const;
  void give_from(int64_t at, const Kept& kept, const Give& give);
  void give_kept(const Give& give);
  void skip_to(int64_t at, const Kept& next, const Give& give);

  bool begun_ = false;
  uint32_t first_ = 0;  // sequence number of the direction's byte 0
  int64_t next_ = 0;    // the byte whose turn it is
  std::multimap<int64_t, Kept> kept_;
  size_t kept_bytes_ = 0;
};

}  // namespace wl::pcapquery
