#pragma once
// Coprocesses that answer requests, and commands that answer one: both give a Call.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "libcommon/base/error.h"
#include "libcommon/base/log.h"
#include "tools/wsbridge/profile/profile.h"

namespace wl::wsbridge::worker {

/// A request on its way. Destroyed before its end: it is cancelled. I/O thread only.
class Call {
 public:
  virtual ~Call() = default;
  /// The next record as JSON text; nothing: the end.
  virtual boost::asio::awaitable<std::optional<std::string>> next() = 0;
  /// Nobody wants it any more: next() comes back soon with the end, status kLost.
  virtual void cancel() = 0;
  /// After the end: 0 done, 1 failed, 2 usage, 3 not there; kTimeout, kLost.
  [[nodiscard]] virtual int status() const = 0;
  static constexpr int kTimeout = -1;  ///< took longer than allowed
  static constexpr int kLost = -2;     ///< its process died, or answered what is no answer
};

struct PoolCounts {
  uint64_t calls = 0, failed = 0, timeouts = 0, refused = 0, restarts = 0;
  uint32_t busy = 0, waiting = 0;
};

/// The processes of a WorkerSpec. They are started when they are first needed, and replaced when they die,
/// write what is no answer, or do not end within 2 s what was cancelled. Of records that nobody takes about 1
/// MiB is held for a call; then its process is not read, so that with a concurrency above 1 its other calls
/// wait too.
class Pool {
 public:
  Pool(boost::asio::any_io_executor executor, const WorkerSpec& spec, base::Log& log);
  ~Pool();
  /// Null: the queue is full, or the processes die again and again (503; come back in a second). `timeout_ns`
  /// runs from here to the end.
  [[nodiscard]] std::unique_ptr<Call> call(Argv argv, std::string owner, int64_t timeout_ns);
  /// Calls that run are lost; returns when all processes are gone.
  boost::asio::awaitable<void> stop();
  [[nodiscard]] const PoolCounts& counts() const;
  [[nodiscard]] const WorkerSpec& spec() const;

 private:
  struct State;
  class Pending;
  std::shared_ptr<State> state_;
};

/// A command run for one request; its stdout lines are the records (kLost when one is no JSON object), its
/// exit status the status. `raw`: its stdout comes as it is, in pieces. It has the owner as WIRELINE_OWNER.
[[nodiscard]] base::Result<std::unique_ptr<Call>> run_command(boost::asio::any_io_executor executor,
                                                              const Argv& argv, const std::string& owner,
                                                              int64_t timeout_ns, bool raw, base::Log& log);

}  // namespace wl::wsbridge::worker
