#include "tools/pcapingest/watch.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libcommon/base/signals.h"
#include "libcommon/base/time.h"
#include "libcommon/store/files.h"
#include "tools/pcapingest/importer.h"
#include "tools/pcapingest/manage.h"

namespace wl::pcapingest {
namespace {

namespace fs = std::filesystem;

constexpr int kWaitMs = 250;
constexpr int64_t kRetentionNs = 60 * base::kSecond;  // between two looks at the store's size and age

/// Whether somebody has the file open for writing; false where the system does not tell.
bool is_being_written(const std::string& path) {
  const base::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file || ::fcntl(file.get(), F_SETLEASE, F_RDLCK) == 0) {
    if (file) (void)::fcntl(file.get(), F_SETLEASE, F_UNLCK);
    return false;
  }
  return errno == EAGAIN;
}

/// Which directory is at a path; another one, or none, is told apart from it.
std::optional<std::pair<dev_t, ino_t>> directory_at(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return std::nullopt;
  return std::pair(info.st_dev, info.st_ino);
}

struct Folder {
  std::string path{};
  int id = -1;  ///< of the watch; -1: there is none
  std::optional<std::pair<dev_t, ino_t>> directory{};
  bool missed = false;  ///< it is gone, and that was told
};

class Watch {
 public:
  Watch(store::Store& store, const Options& options, cli::Context& context)
      : store_(store), options_(options), context_(context), importer_(store, options, context) {}

  base::Result<void> prepare() {
    events_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!events_) return base::fail(std::string("inotify: ") + base::errno_text(errno));
    for (const std::string& path : options_.paths) {
      std::error_code error;
      folders_.push_back({.path = fs::absolute(path, error).lexically_normal().string()});
      if (auto begun = begin(folders_.back()); !begun) return begun;
    }
    return importer_.prepare();
  }

  base::Exit run() {
    for (const Folder& folder : folders_) take_all(folder);
    while (!base::Signals::stop_requested()) {
      retain();
      for (Folder& folder : folders_) look_after(folder);
      pollfd wanted{events_.get(), POLLIN, 0};
      if (::poll(&wanted, 1, kWaitMs) > 0) take_events();
    }
    return std::max(status_, importer_.finish());
  }

 private:
  base::Result<void> begin(Folder& folder) {
    folder.directory = directory_at(folder.path);  // first: one that comes meanwhile is another one
    folder.id =
        ::inotify_add_watch(events_.get(), folder.path.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR);
    if (folder.id < 0) return base::fail(folder.path + ": " + base::errno_text(errno));
    return {};
  }

  /// A watch stays with its directory, whether that is moved, removed, or has another one mounted on it.
  void look_after(Folder& folder) {
    if (folder.id >= 0 && directory_at(folder.path) == folder.directory) return;
    if (folder.id >= 0) (void)::inotify_rm_watch(events_.get(), folder.id);
    if (const auto begun = begin(folder); !begun) {
      if (!std::exchange(folder.missed, true)) report({begun.error().text, "watched when it is there again"});
      return;
    }
    if (std::exchange(folder.missed, false)) context_.log.info(folder.path + ": is there again");
    take_all(folder);
  }

  /// What was there before we came, or while events were lost.
  void take_all(const Folder& folder) {
    std::error_code error;
    std::set<std::string> names;
    for (fs::directory_iterator at(folder.path, error), end; !error && at != end; at.increment(error))
      names.insert(at->path().string());
    if (error) report(base::Error{folder.path + ": " + error.message()});
    for (const std::string& path : names)
      if (!base::Signals::stop_requested() && !is_being_written(path)) take(path);
  }

  void take_events() {
    alignas(inotify_event) std::array<char, 64 * 1024> room;
    const ssize_t size = ::read(events_.get(), room.data(), room.size());
    for (ssize_t at = 0; at < size;) {
      const auto& event = *reinterpret_cast<const inotify_event*>(room.data() + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event.len);
      for (Folder& folder : folders_) {
        if ((event.mask & IN_Q_OVERFLOW) != 0) take_all(folder);
        if (event.wd != folder.id) continue;
        if ((event.mask & IN_IGNORED) != 0) folder.id = -1;
        if (event.len > 0) take(folder.path + "/" + event.name);
      }
    }
  }

  void take(const std::string& path) {
    struct stat info{};
    const bool hidden = path[path.rfind('/') + 1] == '.';  // what rsync and editors write before they rename
    if (hidden || ::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_size == 0) return;
    const catalog::WatchedFile file{store::sha256_of_text(path), info.st_size,
                                    info.st_mtim.tv_sec * base::kSecond + info.st_mtim.tv_nsec};
    const auto taken = store_.watched().is_taken(file);
    if (!taken) return report(taken.error());
    if (*taken) return;
    Import import{.path = path};
    import.may_be_other = true;
    import.done = [this, file] {
      if (const auto noted = store_.watched().take(file); !noted) context_.log.error(noted.error());
    };
    importer_.add(std::move(import));
  }

  void retain() {
    const int64_t now = base::steady_clock_ns();
    if (now < next_retention_ns_) return;
    next_retention_ns_ = now + kRetentionNs;
    const auto applied =
        apply(options_.retention, false, store_, [this](const std::string& line) { importer_.write(line); });
    if (!applied) report(applied.error());
    if (const auto swept = store_.sweep(options_.retention.grace_ns); !swept) report(swept.error());
  }

  void report(const base::Error& error) {
    context_.log.error(error);
    status_ = base::Exit::failed;
  }

  store::Store& store_;
  const Options& options_;
  cli::Context& context_;
  Importer importer_;
  base::Fd events_;
  std::vector<Folder> folders_;
  base::Exit status_ = base::Exit::ok;
  int64_t next_retention_ns_ = 0;
};

}  // namespace

base::Exit watch(const Options& options, cli::Context& context) {
  base::Signals::catch_stop();
  // Of a lease that somebody else breaks: is_being_written() returns it at once anyway.
  (void)std::signal(SIGIO, SIG_IGN);
  const auto fail = [&context](const base::Error& error) {
    context.log.error(error);
    return error.exit;
  };
  const auto store = store::Store::open(options.location);
  if (!store) return fail(store.error());
  Watch work(**store, options, context);
  if (const auto prepared = work.prepare(); !prepared) return fail(prepared.error());
  return work.run();
}

}  // namespace wl::pcapingest
