#pragma once
// Writes parts in a thread of its own, while the next rows are collected.
#include <array>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "libcommon/store/ingest.h"
#include "libcommon/store/tables.h"

namespace wl::store {

/// Numbers the parts of each table and writes one at a time. Not for two threads.
class PartWriter {
 public:
  explicit PartWriter(std::string folder);
  ~PartWriter();

  [[nodiscard]] base::Result<void> open();
  /// Takes the rows and leaves an empty batch; waits while the part before is being written. A failure is
  /// that of a part before.
  [[nodiscard]] base::Result<void> write(Table table, Batch& batch);
  [[nodiscard]] size_t parts(Table table) const { return numbers_[static_cast<size_t>(table)]; }
  /// Waits for the last part, and writes the manifest.
  [[nodiscard]] base::Result<std::vector<Part>> finish();

 private:
  struct Job {
    std::string name;
    Batch* batch;
  };
  void run(const std::stop_token& stop);
  base::Result<Part> write_part(const Job& job);

  std::string folder_;
  std::optional<Duck> duck_;
  std::unique_ptr<BatchWriter> writer_;
  std::array<size_t, kTableNames.size()> numbers_{};
  std::array<std::unique_ptr<Batch>, kTableNames.size()> spare_;  // being written, or ready to be swapped in
  std::vector<Part> parts_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::optional<Job> job_;  // until it is done
  std::optional<base::Error> failure_;
  std::jthread thread_;  // last: it ends before what it uses
};

}  // namespace wl::store
