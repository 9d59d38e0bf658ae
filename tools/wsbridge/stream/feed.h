#pragma once
// A stream: the lines of a command that is started once, for all who listen.
#include <deque>
#include <random>

#include "libcommon/ndjson/fields.h"
#include "tools/wsbridge/newest.h"
#include "tools/wsbridge/process/child.h"
#include "tools/wsbridge/profile/profile.h"

namespace wl::wsbridge::stream {

using Text = std::shared_ptr<const std::string>;

/// A listener is called on the I/O thread: record() for each record and the value of its key (empty: it has
/// none), then settled() once behind the batch.
/// In these calls nobody may be added to the feed or removed.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual void record(const Text& json, const std::string& key) = 0;
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
/// `every`, start on demand and stop when nobody listens. Everything happens on the I/O thread. Held by
/// shared_ptr; once started, it lives until stop(), or as long as the loop.
class Feed : public std::enable_shared_from_this<Feed> {
 public:
  Feed(Executor executor, const StreamSpec& spec, base::Log& log);

  /// Once. On demand: the command waits for the first listener, and is stopped 5 s after the last one went.
  void start() {
    running_ = true;
    process::spawn(executor_, shared_from_this(), run());
  }
  /// SIGTERM, then SIGKILL to the group; returns when it is gone.
  awaitable<void> stop();

  /// Whoever is added gets what comes from now on.
  void add(Listener& listener) {
    listeners_.push_back(&listener);
    changed_.notify();
  }
  void remove(Listener& listener) {
    std::erase(listeners_, &listener);
    quiet_since_ = process::Clock::now();
    changed_.notify();
  }
  /// A listener that said full() can take more.
  void resume() { changed_.notify(); }

  /// A line of the command; ndjson::kPadding bytes behind it can be read.
  void take(std::string_view line);
  /// Behind a batch of lines, after which so many were too long.
  void settle(uint64_t too_long);

  /// The newest record; null: none yet. It stays after the end of the stream.
  [[nodiscard]] Text last() const { return history_.empty() ? nullptr : history_.back(); }
  /// The newest `count` records, oldest first; never more than the spec's history, nor than 16 MiB.
  [[nodiscard]] std::vector<Text> history(size_t count) const;
  /// The newest record of each key, in the order of their last change; empty without a key. Of more than
  /// 100,000 keys, or 64 MiB, those that changed last.
  [[nodiscard]] std::vector<Text> state() const;
  [[nodiscard]] const Newest<Text>& newest() const { return newest_; }
  [[nodiscard]] const StreamSpec& spec() const { return spec_; }
  [[nodiscard]] const FeedCounts& counts() const { return counts_; }

 private:
  void skip(const std::string& reason);
  /// On demand, and nobody listens: then, else never.
  [[nodiscard]] process::Clock::time_point wanted_until() const {
    constexpr std::chrono::seconds kQuiet{5};
    return spec_.on_demand && listeners_.empty() ? quiet_since_ + kQuiet
                                                 : process::Clock::now() + std::chrono::hours(24);
  }
  [[nodiscard]] bool unwanted() const { return process::Clock::now() >= wanted_until(); }
  [[nodiscard]] FeedState after(int status, process::Clock::time_point begun);
  awaitable<void> run();
  awaitable<int> play();
  awaitable<void> read(std::shared_ptr<process::Child> child);

  Executor executor_;
  StreamSpec spec_;
  base::Log& log_;
  base::SkipReport skips_{log_, spec_.name + " line"};
  process::Event changed_{executor_};
  FeedCounts counts_{};
  ndjson::Fields fields_;
  std::vector<Listener*> listeners_{};
  std::deque<Text> history_{};  // one at least, the last
  size_t history_bytes_ = 0;
  Newest<Text> newest_;
  uint64_t line_number_ = 0;
  process::Clock::time_point quiet_since_{};
  bool running_ = false, reading_ = false, stopping_ = false;
  std::chrono::nanoseconds delay_, pause_{};
  std::minstd_rand random_{std::random_device()()};
};

}  // namespace wl::wsbridge::stream
