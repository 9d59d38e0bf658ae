#include "tools/pcapingest/imports.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>

#include "libcommon/base/signals.h"
#include "libcommon/ndjson/output.h"
#include "tools/pcapingest/progress.h"
#include "tools/pcapingest/records.h"

namespace wl::pcapingest {
namespace {

constexpr int kLookEachMs = 250;

/// Whether the run that writes there lives: it holds the lock.
bool is_alive(const std::string& folder) {
  const base::Fd lock(::open((folder + "/lock").c_str(), O_RDONLY | O_CLOEXEC));
  return lock && ::flock(lock.get(), LOCK_SH | LOCK_NB) != 0;
}

class Imports {
 public:
  Imports(const Options& options, cli::Context& context)
      : options_(options),
        folder_(catalog::store_folder(options.location) + "/incoming"),
        out_(context.out) {}

  base::Result<void> look() {
    std::map<std::string, Progressing> before = std::move(running_);
    running_ = running();
    for (const auto& [ingest, now] : running_) {
      const auto old = before.find(ingest);
      const bool is_told = old != before.end() && old->second == now;
      if (!is_told)
        out_.write(import_line(now, now.reason.empty() ? "parsing" : "failed", !options_.owner.empty()));
    }
    for (const auto& [ingest, last] : before) {
      if (running_.contains(ingest) || !last.reason.empty()) continue;
      if (const auto told = tell_end(last); !told) return told;
    }
    out_.flush();
    return {};
  }

  [[nodiscard]] ndjson::Output& out() { return out_; }

 private:
  [[nodiscard]] std::map<std::string, Progressing> running() const {
    std::map<std::string, Progressing> found;
    std::error_code error;
    for (std::filesystem::directory_iterator at(folder_, error), end; !error && at != end;
         at.increment(error)) {
      const auto progress = read_progress(at->path().string());
      const bool ours = progress && (options_.owner.empty() || progress->owner == options_.owner);
      if (ours && is_alive(at->path().string())) found.emplace(at->path().filename().string(), *progress);
    }
    return found;
  }

  /// It is over: the catalog knows how.
  base::Result<void> tell_end(Progressing last) {
    const auto store = store::Store::open_existing(options_.location);
    if (!store) return std::unexpected(store.error());
    const auto files = *store ? (*store)->catalog().files(last.owner, "") : std::vector<catalog::HeldFile>();
    if (!files) return std::unexpected(files.error());
    const auto taken = std::ranges::find_if(*files, [&last](const catalog::HeldFile& file) {
      if (!last.file_id.empty()) return file.file_id == last.file_id;
      return file.name == last.name &&
             (file.added >= last.started_ns || static_cast<uint64_t>(file.bytes) == last.total_bytes);
    });
    if (taken == files->end()) {
      last.reason = last.name + ": its import ended early";
    } else {
      last.file_id = taken->file_id;
      last.bytes = last.total_bytes = static_cast<uint64_t>(taken->bytes);
      last.packets = static_cast<uint64_t>(taken->packets);
    }
    out_.write(import_line(last, last.reason.empty() ? "done" : "failed", !options_.owner.empty()));
    return {};
  }

  const Options& options_;
  std::string folder_;
  ndjson::Output out_;
  std::map<std::string, Progressing> running_;  // by ingest, as last told
};

}  // namespace

base::Exit imports(const Options& options, cli::Context& context) {
  if (options.follow) base::Signals::catch_stop();
  Imports work(options, context);
  base::Result<void> looked;
  for (bool more = true; more && looked;) {
    looked = work.look();
    // Until a signal comes, or the reader of our stdout goes, which shows without being asked for.
    pollfd reader{context.out, 0, 0};
    more = options.follow && ::poll(&reader, 1, kLookEachMs) == 0 && !base::Signals::stop_requested() &&
           work.out().good();
  }
  work.out().finish();
  if (looked && work.out().state() == ndjson::WriteState::failed)
    looked = std::unexpected(work.out().error());
  if (!looked) context.log.error(looked.error());
  return looked ? base::Exit::ok : looked.error().exit;
}

}  // namespace wl::pcapingest
