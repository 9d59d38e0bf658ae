#pragma once
// A stream as its clients see it: each record is shaped once and framed once for each way in which it goes
// out, however many clients there are.
#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "libcommon/base/log.h"
#include "libcommon/ndjson/fields.h"
#include "tools/wsbridge/profile/profile.h"
#include "tools/wsbridge/shape/program.h"
#include "tools/wsbridge/stream/backlog.h"
#include "tools/wsbridge/stream/feed.h"
#include "tools/wsbridge/websocket/deflate.h"

namespace wl::wsbridge::stream {

/// How messages go out: as WebSocket frames, as deflated ones, as lines of NDJSON.
enum class Framing : uint8_t { text, deflated, lines };
/// What goes at once to one client from one view.
inline constexpr size_t kMaxPiece = size_t{128} << 10;

struct ViewOptions {
  bool timestamp = false;  ///< each message that is an object carries one
  Slow slow = Slow::drop;
  size_t backlog_bytes = size_t{4} << 20;
};

/// `json` with "timestamp" as its last member (RFC 3339), unless it has one or is no object.
[[nodiscard]] std::string with_timestamp(std::string_view json);

class View;

/// A client's place in a view. I/O thread only.
class Subscription {
 public:
  /// Joins behind the newest records but `history` (with Slow::conflate: any history is all keys' newest).
  /// `wake` is called when there is more to take. Null: the view has one reader alone, and has it.
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
  Subscription(std::shared_ptr<View> view, Framing framing, std::function<void()> wake);
  std::shared_ptr<View> view_;
  Framing framing_;
  std::function<void()> wake_;
  uint64_t next_ = 0;     // number of the message that it wants next
  bool joining_ = false;  // what it has not got of the past it does not miss
};

/// Feed × jq program × framings. It listens to the feed while it has subscriptions; held by shared_ptr.
class View final : public Listener {
 public:
  View(Feed& feed, std::optional<shape::Program> program, const ViewOptions& options, base::Log& log);

  void record(const Text& json) override;
  void settled() override;
  [[nodiscard]] bool full() const override;

 private:
  friend class Subscription;
  struct Shaped {
    uint64_t number;  // of the message
    uint64_t record;  // it came from
    Text text;
  };
  /// The newest messages of a key, for Slow::conflate; in table_ by the number of the last one.
  struct Newest {
    std::string key;
    std::vector<Text> messages;
    std::array<std::string, 3> framed{};  // by Framing, when first needed
  };
  struct Piece {
    uint64_t from = 0, next = 0, made_at = 0;
    uint64_t messages = 0, conflated = 0;
    std::shared_ptr<const std::string> bytes{};
  };
  void enter(Subscription& subscription, size_t history);
  void leave(Subscription& subscription);
  bool take(Subscription& subscription, size_t max_bytes, Batch& into);
  void take_newest(Subscription& subscription, Batch& into);
  Piece make_piece(Framing framing, uint64_t from, bool joining);
  std::vector<Text> shape(const Text& json);
  void replace(std::string key, std::vector<Text> messages);
  std::string_view frame(Framing framing, std::string_view text);
  std::string notice(Framing framing, const std::string& json) const;

  Feed& feed_;
  std::optional<shape::Program> program_;
  ViewOptions options_;
  base::SkipReport failures_;
  ndjson::Fields key_;
  std::vector<Subscription*> subscriptions_{};
  uint64_t next_ = 1;
  uint64_t records_ = 0;
  std::array<std::optional<Backlog>, 3> backlogs_{};  // by Framing, those in use
  std::deque<Shaped> recent_{};                       // for those who join
  size_t recent_bytes_ = 0;
  std::map<uint64_t, Newest> table_{};
  std::unordered_map<std::string, uint64_t> by_key_{};
  std::array<Piece, 3> pieces_{};  // the last one made: clients that keep up share it
  std::unique_ptr<websocket::Deflater> deflater_{};
  std::string frame_{};
};

}  // namespace wl::wsbridge::stream
