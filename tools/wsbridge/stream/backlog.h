#pragma once
// Messages of a stream in the form in which they go over the wire, made once for all clients. A client keeps no
// queue: it remembers how far it got, and takes from here.
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace wl::wsbridge::stream {

/// Bytes to send, and what they belong to.
struct Batch {
  std::vector<std::string_view> parts{};             ///< neighbours in memory are one part
  std::vector<std::shared_ptr<const void>> owners{};  ///< keep the parts alive
  uint64_t next = 0;      ///< number of the first message behind the batch
  uint64_t lost_from = 0;  ///< messages lost_from to lost_to were gone before this client came to them;
  uint64_t lost_to = 0;    ///< both 0: none
};

/// Messages 1, 2, 3, … of which the newest `max_bytes` are kept, in chunks.
class Backlog {
 public:
  explicit Backlog(size_t max_bytes);

  /// Appends a framed message.
  void append(std::string_view framed);
  /// Number of the newest message; 0: none yet.
  [[nodiscard]] uint64_t newest() const;
  [[nodiscard]] uint64_t oldest() const;
  /// What a client that wants message `from` next is to be sent: at most `max_bytes`, but one message at least.
  [[nodiscard]] Batch take(uint64_t from, size_t max_bytes) const;

 private:
  struct Chunk;
  struct Message {
    std::shared_ptr<Chunk> chunk;
    uint32_t offset;
    uint32_t size;
  };
  size_t max_bytes_;
  size_t bytes_ = 0;
  uint64_t first_ = 1;
  std::deque<Message> messages_;
};

}  // namespace wl::wsbridge::stream
