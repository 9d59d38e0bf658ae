#pragma once
// A stream as its clients see it: each record is shaped once and framed once for each way in which it goes
// out, however many clients there are. A client keeps no queue: it remembers how far it got, and takes from
// here.
#include <array>
#include <map>

#include <boost/asio/buffer.hpp>

#include "tools/wsbridge/http/message.h"
#include "tools/wsbridge/shape/program.h"
#include "tools/wsbridge/stream/feed.h"
#include "tools/wsbridge/websocket/codec.h"

namespace wl::wsbridge::stream {

/// Bytes to send, gathered from one or several places.
struct Batch {
  std::vector<asio::const_buffer> parts{};            ///< neighbours in memory are one part
  std::vector<std::shared_ptr<const void>> owners{};  ///< keep the parts alive
  size_t bytes = 0;
  uint64_t messages = 0;
  uint64_t dropped = 0;    ///< messages that were gone before this client came to them
  uint64_t conflated = 0;  ///< records that a newer one of their key replaced before this client came to them

  void add(std::string_view part, std::shared_ptr<const void> owner, uint64_t count = 0) {
    parts.emplace_back(part.data(), part.size());
    owners.push_back(std::move(owner));
    bytes += part.size();
    messages += count;
  }
  void clear() {
    parts.clear();
    owners.clear();
    bytes = messages = dropped = conflated = 0;
  }
  /// The parts as one.
  [[nodiscard]] std::string text() const;
};

/// Messages 1, 2, … of which the newest `max_bytes` are kept, in chunks. All that one record became counts as
/// one.
class Backlog {
 public:
  explicit Backlog(size_t max_bytes) : max_bytes_(max_bytes) {}

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
  void discard(uint64_t number) {
    while (!chunks_.empty() && chunks_.front()->first + chunks_.front()->ends.size() <= number) drop_oldest();
  }

 private:
  struct Chunk {
    uint64_t first;  ///< number of its first message
    size_t capacity;
    std::unique_ptr<char[]> bytes;  ///< never moves: what was written stays while others read it
    std::vector<size_t> ends{};     ///< of its messages
    [[nodiscard]] size_t used() const { return ends.empty() ? 0 : ends.back(); }
  };
  void drop_oldest() {
    bytes_ -= chunks_.front()->used();
    chunks_.pop_front();
  }

  size_t max_bytes_;
  size_t bytes_ = 0;
  uint64_t next_ = 1;
  std::deque<std::shared_ptr<Chunk>> chunks_{};
};

/// How messages go out: as WebSocket frames, as deflated ones, as lines of NDJSON.
enum class Framing : uint8_t { text, deflated, lines };
/// What goes at once to one client from one view.
inline constexpr size_t kMaxPiece = size_t{128} << 10;

/// `json` with "timestamp" as its last member (RFC 3339), unless it has one or is no object.
[[nodiscard]] std::string with_timestamp(std::string_view json);

class Subscription;

/// Feed × jq program × framings. It listens to the feed while it has subscriptions; held by shared_ptr.
class View final : public Listener {
 public:
  /// `program` is that of `spec.as`, null without one; it and the log outlive the view's last record. `user`
  /// is whose records it has where the spec says `mine`. `backlog_bytes` are kept for each framing.
  View(std::shared_ptr<Feed> feed, const SubscriptionSpec& spec, std::string user, shape::Program* program,
       size_t backlog_bytes, base::Log& log);

  void record(const Text& json, const std::string& key) override;
  void settled() override;
  [[nodiscard]] bool full() const override {
    return spec_.slow == Slow::block && !backlogs_.empty() &&
           backlogs_.begin()->second.bytes() >= backlog_bytes_;
  }
  [[nodiscard]] const SubscriptionSpec& spec() const { return spec_; }

 private:
  friend class Subscription;
  /// Slow::conflate: the messages of a key's newest record, framed when first needed.
  struct Shaped {
    std::vector<Text> messages{};
    std::array<Text, 3> framed{};  // by Framing
  };
  [[nodiscard]] bool has(const std::string& json) const;
  /// None of a record that this view does not have.
  [[nodiscard]] std::vector<Text> shape(const Text& json);
  [[nodiscard]] std::string_view frame(Framing framing, const std::vector<Text>& messages);
  [[nodiscard]] Text notice(Framing framing, const std::string& json);

  std::shared_ptr<Feed> feed_;
  SubscriptionSpec spec_;
  std::string user_;
  shape::Program* program_;
  size_t backlog_bytes_;
  base::SkipReport failures_;
  std::vector<Subscription*> subscriptions_{};
  std::map<Framing, Backlog> backlogs_{};  // those in use
  Newest<Shaped> table_;
  std::optional<websocket::Deflater> deflater_{};
  std::string frame_{};
};

/// A client's place in a view. I/O thread only.
class Subscription {
 public:
  /// Joins behind the newest records but `history` (with Slow::conflate: any history is all keys' newest).
  /// `wake` is called when there is more to take; it may only wake. Null: the view has one reader alone, and
  /// has it.
  [[nodiscard]] static std::unique_ptr<Subscription> join(std::shared_ptr<View> view, Framing framing,
                                                          size_t history, std::function<void()> wake);
  ~Subscription();
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  /// Adds what is to be sent next, until `into` has `max_bytes`. False: this client lagged behind and is to
  /// be cut off (Slow::cut).
  [[nodiscard]] bool take(size_t max_bytes, Batch& into);
  /// The stream has ended, for good, and all was taken.
  [[nodiscard]] bool ended() const;

 private:
  friend class View;
  Subscription(std::shared_ptr<View> view, Framing framing, size_t history, std::function<void()> wake);
  void take_newest(size_t max_bytes, Batch& into);

  std::shared_ptr<View> view_;
  Framing framing_;
  std::function<void()> wake_;
  Backlog* backlog_ = nullptr;  // null: Slow::conflate
  uint64_t next_ = 0;           // number of the record that it wants next
  bool joining_ = false;        // what it has not got of the past it does not miss
};

/// Whether who asked for a stream may still have it.
using Still = std::function<awaitable<bool>()>;

/// A view over plain HTTP: NDJSON as it comes; ends when the stream has ended, or `still`, unless empty, says
/// no.
[[nodiscard]] http::Response answer_lines(Executor executor, std::shared_ptr<View> view, Still still);

}  // namespace wl::wsbridge::stream
