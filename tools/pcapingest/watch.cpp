#include "tools/pcapingest/watch.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <set>

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

class Watch {
 public:
  Watch(store::Store& store, const Options& options, cli::Context& context)
      : store_(store), options_(options), context_(context), importer_(store, options, context) {}

  base::Result<void> prepare() {
    events_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!events_) return base::fail(std::string("inotify: ") + base::errno_text(errno));
    for (const std::string& folder : options_.paths) {
      std::error_code error;
      const int id =
          ::inotify_add_watch(events_.get(), folder.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR);
      if (id < 0) return base::fail(folder + ": " + base::errno_text(errno));
      folders_.emplace_back(id, fs::absolute(folder, error).lexically_normal().string());
    }
    return importer_.prepare();
  }

  base::Exit run() {
    for (const auto& [id, folder] : folders_) take_all(folder);
    while (!base::Signals::stop_requested()) {
      retain();
      pollfd wanted{events_.get(), POLLIN, 0};
      if (::poll(&wanted, 1, kWaitMs) > 0) take_events();
    }
    return std::max(status_, importer_.finish());
  }

 private:
  /// What was there before we came, or while events were lost.
  void take_all(const std::string& folder) {
    std::error_code error;
    std::set<std::string> names;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
      names.insert(at->path().string());
    if (error) report(base::Error{folder + ": " + error.message()});
    for (const std::string& path : names)
      if (!is_being_written(path)) take(path);
  }

  void take_events() {
    alignas(inotify_event) std::array<char, 64 * 1024> room;
    const ssize_t size = ::read(events_.get(), room.data(), room.size());
    for (ssize_t at = 0; at < size;) {
      const auto& event = *reinterpret_cast<const inotify_event*>(room.data() + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event.len);
      if ((event.mask & IN_Q_OVERFLOW) != 0)
        for (const auto& [id, folder] : folders_) take_all(folder);
      for (const auto& [id, folder] : folders_)
        if (event.wd == id && event.len > 0) take(folder + "/" + event.name);
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
  std::vector<std::pair<int, std::string>> folders_;
  base::Exit status_ = base::Exit::ok;
  int64_t next_retention_ns_ = 0;
};

}  // namespace

base::Exit watch(const Options& options, cli::Context& context) {
  base::Signals::catch_stop();
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
