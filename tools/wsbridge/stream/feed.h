#pragma once
// A stream: the lines of a command that is started once, for all who listen.
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "libcommon/base/log.h"
#include "tools/wsbridge/profile/profile.h"

namespace wl::wsbridge::stream {

using Text = std::shared_ptr<const std::string>;

/// A listener is called on the I/O thread: record() for each record, then settled() once behind the batch.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual void record(const Text& json) = 0;
  virtual void settled() = 0;
  /// True while it cannot take more; the feed then reads no further (asked after settled()).
  [[nodiscard]] virtual bool full() const { return false; }
};

enum class FeedState : uint8_t { idle, running, waiting, ended, failed };

struct FeedCounts {
  uint64_t records = 0;
  uint64_t bytes = 0;
  uint64_t skipped = 0;  ///< lines that were no JSON object
  uint64_t restarts = 0;
  int64_t last_ns = 0;  ///< wall clock of the newest record; 0: none yet
  FeedState state = FeedState::idle;
};

/// Runs a stream's pipeline by its StreamSpec: restart with back-off (1 s doubling to 30 s, jittered),
/// `every`, start on demand and stop when nobody listens. Everything happens on the I/O thread.
class Feed {
 public:
  Feed(boost::asio::any_io_executor executor, const StreamSpec& spec, base::Log& log);
  ~Feed();

  /// Once. On demand: the command waits for the first listener, and is stopped 5 s after the last one went.
  void start();
  /// SIGTERM, then SIGKILL to the group; returns when it is gone.
  boost::asio::awaitable<void> stop();

  /// Whoever is added gets what comes from now on; it may remove itself, and others, whenever it is called.
  void add(Listener& listener);
  void remove(Listener& listener);
  /// A listener that said full() can take more.
  void resume();

  /// The newest record; null: none yet. It stays after the end of the stream.
  [[nodiscard]] Text last() const;
  /// The newest `count` records, oldest first; never more than the spec's history, nor than 16 MiB.
  [[nodiscard]] std::vector<Text> history(size_t count) const;
  /// The newest record of each key, in the order of their last change; empty without a key. Of more than
  /// 100,000 keys, or 64 MiB, those that changed last.
  [[nodiscard]] std::vector<Text> state() const;
  [[nodiscard]] const StreamSpec& spec() const;
  [[nodiscard]] const FeedCounts& counts() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace wl::wsbridge::stream
