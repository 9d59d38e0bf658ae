#include "tools/pcapingest/importer.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include <unistd.h>

#include "libcommon/base/signals.h"
#include "libcommon/base/utf8.h"
#include "libcommon/cli/table.h"
#include "libcommon/store/records.h"
#include "tools/pcapingest/progress.h"
#include "tools/pcapingest/records.h"

namespace wl::pcapingest {
namespace {

constexpr int64_t kShowEachNs = 200 * base::kMillisecond;
constexpr int64_t kNoteEachNs = 250 * base::kMillisecond;
constexpr std::chrono::seconds kLinger{2};  // for `imports --follow` to see why it failed
constexpr unsigned kUnprocessable = 422;    // HTTP: the content is not what it should be

uint64_t size_of(const std::string& path) {
  std::error_code error;
  const uintmax_t size = std::filesystem::file_size(path, error);
  return error ? 0 : size;
}

/// "1.2G of 3.4G, 410M/s, 12 s left".
std::string progress_text(uint64_t done, uint64_t asked, double seconds) {
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  std::string text = cli::human_size(done) + " of " + cli::human_size(std::max(asked, done)) + ", " +
                     cli::human_size(static_cast<uint64_t>(rate)) + "/s";
  if (rate > 0 && asked > done)
    text += ", " + std::to_string(static_cast<uint64_t>(static_cast<double>(asked - done) / rate) + 1) +
            " s left";
  return text;
}

}  // namespace

Importer::Importer(store::Store& store, const Options& options, cli::Context& context)
    : store_(store), options_(options), context_(context), out_(context.out) {
  shows_progress_ = options.progress == Progress::always || (options.progress == Progress::automatic &&
                                                             !options.quiet && ::isatty(STDERR_FILENO) == 1);
  started_ns_ = shown_ns_ = base::steady_clock_ns();
  const size_t jobs = options.jobs != 0 ? options.jobs : 1;
  const base::SignalsBlocked blocked;
  for (size_t i = 0; i < jobs; ++i) threads_.emplace_back([this] { run(); });
}

Importer::~Importer() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
}

base::Result<void> Importer::prepare() {
  if (options_.project.empty()) return {};
  const auto project = store_.catalog().find_project(options_.importer(), options_.project);
  if (!project) return std::unexpected(project.error());
  if (!*project)
    return base::fail("project " + options_.project + ": not found",
                      "pcapingest project create " + options_.project, base::Exit::no);
  project_id_ = (*project)->id;
  return {};
}

void Importer::add(Import import) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return waiting_.size() < kMostWaiting; });
  bytes_asked_ += size_of(import.path);
  waiting_.push_back(std::move(import));
  changed_.notify_all();
}

base::Exit Importer::finish() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  threads_.clear();
  if (shows_progress_) show_progress(true);
  out_.finish();
  if (out_.state() == ndjson::WriteState::failed) report(out_.error(), 0);
  if (!options_.quiet && files_ > 1)
    context_.log.info(std::to_string(files_) + " files, " + std::to_string(packets_) + " packets, " +
                      cli::human_size(bytes_));
  return status_;
}

void Importer::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return closing_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const Import import = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    changed_.notify_all();
    if (!unwanted_) take_in(import);
    std::error_code ignored;
    if (import.remove) std::filesystem::remove(import.path, ignored);
    lock.lock();
  }
}

base::Result<store::Added> Importer::take_to(const store::Store::Incoming& incoming, const Import& import) {
  uint64_t counted = 0;
  int64_t noted_ns = 0;
  const std::string name = import.name.empty() ? import.path.substr(import.path.rfind('/') + 1) : import.name;
  Progressing now{.file_id = import.file_id,
                  .owner = options_.importer(),
                  .name = base::utf8_text(name),
                  .total_bytes = import.bytes != 0 ? import.bytes : size_of(import.path),
                  .started_ns = base::wall_clock_ns()};
  store::AddOptions options{options_.importer(), import.name, project_id_, !options_.no_copy, {}};
  options.progress = [&](uint64_t bytes, uint64_t packets) {
    bytes_now_ += bytes - counted;
    counted = now.bytes = bytes;
    now.packets = packets;
    if (shows_progress_) show_progress(false);
    if (const int64_t ns = base::steady_clock_ns(); ns - noted_ns >= kNoteEachNs) {
      noted_ns = ns;
      write_progress(incoming.folder(), now);
    }
    return unwanted_.load();
  };
  write_progress(incoming.folder(), now);
  auto added = store_.add(incoming, import.path, options);
  bytes_now_ -= counted;
  if (added) return added;
  base::Error error = added.error();
  if (!import.shown.empty()) {
    for (size_t at = 0; (at = error.text.find(import.path)) != error.text.npos;)
      error.text.replace(at, import.path.size(), import.shown);
  }
  now.reason = error.text;
  write_progress(incoming.folder(), now);
  if (import.linger && import.linger()) std::this_thread::sleep_for(kLinger);
  return std::unexpected(error);
}

void Importer::take_in(const Import& import) {
  base::Result<store::Added> added = std::unexpected(base::Error{});
  if (const auto incoming = store_.begin(); !incoming) {
    added = std::unexpected(incoming.error());
  } else {
    added = take_to(*incoming, import);
  }
  const std::lock_guard lock(mutex_);
  if (!added) {
    const bool no_capture = added.error().exit == base::Exit::usage;
    if (import.may_be_other && no_capture) {
      context_.log.info(added.error().line() + ": passed over");
    } else {
      report(added.error(), no_capture ? kUnprocessable : 0);
    }
    bytes_ += size_of(import.path);
    return;
  }
  if (!added->fault.empty() && !options_.error_records)
    report({added->fault, "what was readable is in the store"}, 0);
  ++files_;
  bytes_ += static_cast<uint64_t>(added->file.bytes);
  packets_ += static_cast<uint64_t>(added->file.packets);
  out_.write(store::file_line(added->file, {added->name, "", added->already_present}, options_.time));
  out_.flush();
  if (import.done) import.done();
}

void Importer::write(const std::string& line) {
  const std::lock_guard lock(mutex_);
  out_.write(line);
  out_.flush();
}

void Importer::report(const base::Error& error, unsigned code) {
  context_.log.error(error);
  if (options_.error_records) out_.write(error_line(error, code));
  status_ = base::Exit::failed;
}

void Importer::show_progress(bool last) {
  const std::lock_guard lock(mutex_);
  const int64_t now = base::steady_clock_ns();
  const bool worth_it = now - started_ns_ > base::kSecond || (last && options_.progress == Progress::always);
  if (!worth_it || (!last && now - shown_ns_ < kShowEachNs)) return;
  shown_ns_ = now;
  const std::string text =
      progress_text(bytes_ + bytes_now_, bytes_asked_, static_cast<double>(now - started_ns_) / 1e9);
  (void)std::fprintf(stderr, "\r%s: %s\033[K%s", context_.log.tool().c_str(), text.c_str(), last ? "\n" : "");
}

}  // namespace wl::pcapingest
