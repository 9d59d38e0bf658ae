#pragma once
// Writes parts in threads of their own, while the next rows are collected.
#include <array>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "libcommon/store/ingest.h"
#include "libcommon/store/tables.h"

namespace wl::store {

/// Numbers the parts of each table and writes them, of each table one at a time. Not for two threads.
class PartWriter {
 public:
  explicit PartWriter(std::string folder);
  ~PartWriter();

  /// Takes the rows and leaves an empty batch; waits while the table's part before is being written, or as
  /// many as there may be at once. A failure is that of a part before.
  [[nodiscard]] base::Result<void> write(Table table, Batch& batch);
  [[nodiscard]] size_t parts(Table table) const { return numbers_[static_cast<size_t>(table)]; }
  /// Waits for the last part, and writes the manifest.
  [[nodiscard]] base::Result<std::vector<Part>> finish();

 private:
  struct Job {
    size_t table = 0;
    std::string name;
  };

  void start();
  void run(const std::stop_token& stop);
  base::Result<Part> write_part(const Job& job, BatchWriter& writer);

  std::string folder_;
  std::array<size_t, kTableNames.size()> numbers_{};
  std::array<std::unique_ptr<Batch>, kTableNames.size()> spare_;  // being written, or ready to be swapped in
  std::vector<Part> parts_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Job> waiting_;
  std::array<bool, kTableNames.size()> busy_{};  // a part of the table is waiting or being written
  size_t open_jobs_ = 0;
  std::optional<base::Error> failure_;
  std::vector<std::jthread> threads_;  // last: they end before what they use
};

}  // namespace wl::store
