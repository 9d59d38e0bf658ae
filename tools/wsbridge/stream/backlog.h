#pragma once
// Messages of a stream in the form in which they go over the wire, made once for all clients. A client keeps
// no queue: it remembers how far it got, and takes from here.
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/buffer.hpp>

namespace wl::wsbridge::stream {

/// Bytes to send, gathered from one or several places.
struct Batch {
  std::vector<boost::asio::const_buffer> parts{};     ///< neighbours in memory are one part
  std::vector<std::shared_ptr<const void>> owners{};  ///< keep the parts alive
  size_t bytes = 0;
  uint64_t messages = 0;
  uint64_t dropped = 0;  ///< messages that were gone before this client came to them
  uint64_t conflated =
      0;  ///< messages that a newer one of their key replaced before this client came to them

  void add(std::string_view part, std::shared_ptr<const void> owner);
  void clear();
  /// The parts as one.
  [[nodiscard]] std::string text() const;
};

/// Messages first, first + 1, … of which the newest `max_bytes` are kept, in chunks.
class Backlog {
 public:
  explicit Backlog(size_t max_bytes, uint64_t first = 1) : max_bytes_(max_bytes), next_(first) {}

  /// Appends a framed message.
  void append(std::string_view framed);
  /// The number that the next message will have.
  [[nodiscard]] uint64_t next() const { return next_; }
  [[nodiscard]] uint64_t oldest() const { return chunks_.empty() ? next_ : chunks_.front()->first; }
  /// Bytes that are kept.
  [[nodiscard]] size_t bytes() const { return bytes_; }
  /// Adds what a client that wants message `from` next is to be sent, until `into` has `max_bytes`, but one
  /// message at least when it is empty. `from` must not be less than oldest(). Returns what it wants then.
  [[nodiscard]] uint64_t take(uint64_t from, size_t max_bytes, Batch& into) const;
  /// Messages before `number` are not needed any more.
  void discard(uint64_t number);

 private:
  struct Chunk {
    uint64_t first;  ///< number of its first message
    size_t capacity;
    std::unique_ptr<char[]> bytes;  ///< never moves: what was written stays while others read it
    std::vector<size_t> ends{};     ///< of its messages
    [[nodiscard]] size_t used() const { return ends.empty() ? 0 : ends.back(); }
  };
  void drop_oldest();

  size_t max_bytes_;
  size_t bytes_ = 0;
  uint64_t next_;
  std::deque<std::shared_ptr<Chunk>> chunks_{};
};

}  // namespace wl::wsbridge::stream
