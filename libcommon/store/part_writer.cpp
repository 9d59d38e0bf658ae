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

}  // namespace

PartWriter::PartWriter(std::string folder) : folder_(std::move(folder)) {}
PartWriter::~PartWriter() = default;

base::Result<void> PartWriter::open() {
  auto duck = Duck::open({.threads = 1});
  if (!duck) return std::unexpected(duck.error());
  duck_.emplace(std::move(*duck));
  auto writer = BatchWriter::open(*duck_);
  if (!writer) return std::unexpected(writer.error());
  writer_ = std::move(*writer);
  const base::SignalsBlocked blocked;
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  return {};
}

base::Result<void> PartWriter::write(Table table, Batch& batch) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !job_; });
  if (failure_) return std::unexpected(*failure_);
  auto& spare = spare_[static_cast<size_t>(table)];
  if (!spare) spare = std::make_unique<Batch>(batch.columns());
  std::swap(*spare, batch);
  batch.clear();
  job_.emplace(part_name(table, numbers_[static_cast<size_t>(table)]++), spare.get());
  changed_.notify_all();
  return {};
}

void PartWriter::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return job_.has_value(); })) {
    const Job job = *job_;
    lock.unlock();
    auto part = write_part(job);
    lock.lock();
    if (part) {
      parts_.push_back(std::move(*part));
    } else {
      failure_ = part.error();
    }
    job_.reset();
    changed_.notify_all();
  }
}

base::Result<Part> PartWriter::write_part(const Job& job) {
  const std::string path = folder_ + "/" + job.name;
  if (const auto written = writer_->write(*job.batch, path); !written)
    return std::unexpected(written.error());
  if (const auto synced = sync(path); !synced) return std::unexpected(synced.error());
  auto digest = sha256_of(path);
  if (!digest) return std::unexpected(digest.error());
  return Part{job.name, digest->sha256, digest->bytes};
}

base::Result<std::vector<Part>> PartWriter::finish() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !job_; });
  if (failure_) return std::unexpected(*failure_);
  std::string manifest;
  for (const Part& part : parts_) manifest += part.sha256 + "  " + part.name + "\n";
  if (const auto written = write_synced(folder_ + "/" + kManifest, manifest); !written)
    return std::unexpected(written.error());
  if (const auto synced = sync(folder_); !synced) return std::unexpected(synced.error());
  return parts_;
}

}  // namespace wl::store
