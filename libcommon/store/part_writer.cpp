#include "libcommon/store/part_writer.h"

#include <algorithm>

#include "libcommon/base/signals.h"
#include "libcommon/store/files.h"

namespace wl::store {
namespace {

std::string part_name(Table table, size_t number) {
  std::string digits = std::to_string(number);
  digits.insert(0, 3 - std::min<size_t>(3, digits.size()),
                '0');  // names sort as numbers, to a thousand parts
  return std::string(kTableNames[static_cast<size_t>(table)]) + "-" + digits + ".parquet";
}

constexpr size_t kMostThreads = 2;
constexpr size_t kWorthThread = 10'000;  // rows that take as long as to open a DuckDB

}  // namespace

PartWriter::PartWriter(std::string folder) : folder_(std::move(folder)) { start(); }
PartWriter::~PartWriter() = default;

void PartWriter::start() {
  const base::SignalsBlocked blocked;
  threads_.emplace_back([this](const std::stop_token& stop) { run(stop); });
}

base::Result<void> PartWriter::write(Table table, Batch& batch) {
  const auto at = static_cast<size_t>(table);
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !busy_[at] && open_jobs_ < kMostThreads; });
  if (failure_) return std::unexpected(*failure_);
  if (open_jobs_ == threads_.size() && batch.rows() >= kWorthThread) start();
  if (!spare_[at]) spare_[at] = std::make_unique<Batch>(batch.columns(), batch.capacity());
  std::swap(*spare_[at], batch);
  batch.clear();
  waiting_.emplace_back(at, part_name(table, numbers_[at]++));
  busy_[at] = true;
  ++open_jobs_;
  changed_.notify_all();
  return {};
}

void PartWriter::run(const std::stop_token& stop) {
  const auto writer = BatchWriter::open();
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return !waiting_.empty(); })) {
    const Job job = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    auto part = writer ? write_part(job, **writer) : std::unexpected(writer.error());
    lock.lock();
    if (part) {
      parts_.push_back(std::move(*part));
    } else {
      failure_ = part.error();
    }
    busy_[job.table] = false;
    --open_jobs_;
    changed_.notify_all();
  }
}

base::Result<Part> PartWriter::write_part(const Job& job, BatchWriter& writer) {
  const std::string path = folder_ + "/" + job.name;
  if (const auto written = writer.write(*spare_[job.table], path); !written)
    return std::unexpected(written.error());
  if (const auto synced = sync(path); !synced) return std::unexpected(synced.error());
  auto digest = sha256_of(path);
  if (!digest) return std::unexpected(digest.error());
  return Part{job.name, digest->sha256, digest->bytes};
}

base::Result<std::vector<Part>> PartWriter::finish() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return open_jobs_ == 0; });
  if (failure_) return std::unexpected(*failure_);
  std::ranges::sort(parts_, {}, &Part::name);
  std::string manifest;
  for (const Part& part : parts_) manifest += part.sha256 + "  " + part.name + "\n";
  if (const auto written = write_synced(folder_ + "/" + kManifest, manifest); !written)
    return std::unexpected(written.error());
  if (const auto synced = sync(folder_); !synced) return std::unexpected(synced.error());
  return parts_;
}

}  // namespace wl::store
