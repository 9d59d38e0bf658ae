#pragma once
// Takes captures into the store, several at once, and tells each as a record.
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "libcommon/cli/run.h"
#include "libcommon/ndjson/output.h"
#include "libcommon/store/store.h"
#include "tools/pcapingest/options.h"

namespace wl::pcapingest {

/// One file to take in.
struct Import {
  std::string path{};
  std::string name{};              ///< empty: the last part of the path
  std::string file_id{};           ///< empty: not known yet
  uint64_t bytes = 0;              ///< of the capture; 0: the file's size
  std::string shown{};             ///< in messages in place of `path`; empty: that
  bool remove = false;             ///< `path` is a temporary file of ours, and goes
  bool may_be_other = false;       ///< found in a directory: what is no capture is passed over
  std::function<void()> done{};    ///< after it was taken in; by any thread
  std::function<bool()> linger{};  ///< whether nobody but `imports` hears why it failed
};

/// A bounded queue with `jobs` threads behind it. add() and finish() are for one thread.
class Importer {
 public:
  Importer(store::Store& store, const Options& options, cli::Context& context);
  ~Importer();

  /// The project of --project, which must be there.
  [[nodiscard]] base::Result<void> prepare();
  /// Waits while the queue is full.
  void add(Import import);
  /// Waits for all of them; the worst status.
  [[nodiscard]] base::Exit finish();
  /// Writes a record among those of the files.
  void write(const std::string& line);
  /// What is in work ends at once, and the queue is forgotten.
  void give_up() { unwanted_ = true; }

 private:
  static constexpr size_t kMostWaiting = 64;

  void run();
  void take_in(const Import& import);
  base::Result<store::Added> take_to(const store::Store::Incoming& incoming, const Import& import);
  void report(const base::Error& error, unsigned code);
  void show_progress(bool last);

  store::Store& store_;
  const Options& options_;
  cli::Context& context_;
  std::string project_id_;
  bool shows_progress_ = false;
  int64_t started_ns_ = 0;
  int64_t shown_ns_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Import> waiting_;
  ndjson::Output out_;
  base::Exit status_ = base::Exit::ok;
  uint64_t files_ = 0, bytes_ = 0, packets_ = 0;  // done
  std::atomic<uint64_t> bytes_now_ = 0;           // of those in work
  uint64_t bytes_asked_ = 0;                      // of all that were added
  bool closing_ = false;
  std::atomic<bool> unwanted_ = false;
  std::vector<std::jthread> threads_;  // last: they end before what they use
};

}  // namespace wl::pcapingest
