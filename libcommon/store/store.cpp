#include "libcommon/store/store.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libcommon/base/time.h"
#include "libcommon/base/utf8.h"
#include "libcommon/store/files.h"

namespace wl::store {
namespace {

constexpr size_t kIngestBytes = 8;  // 16 digits
constexpr size_t kIdBytes = 16;
constexpr size_t kFileIdDigits = 32;
constexpr const char* kFileFolder = "file_id=";

std::string last_part(const std::string& path) { return path.substr(path.rfind('/') + 1); }

std::unexpected<base::Error> failure(const std::string& path) {
  return base::fail(path + ": " + base::errno_text(errno));
}

bool is_hexadecimal(std::string_view text, size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

/// Waits for the lock, or with `at_once` gives an Fd that is none.
base::Result<base::Fd> lock_file(const std::string& path, bool at_once) {
  base::Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return failure(path);
  while (::flock(file.get(), LOCK_EX | (at_once ? LOCK_NB : 0)) != 0) {
    if (at_once && errno == EWOULDBLOCK) return base::Fd();
    if (errno != EINTR) return failure(path);
  }
  return file;
}

int64_t modified_ns(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return 0;
  return info.st_mtim.tv_sec * base::kSecond + info.st_mtim.tv_nsec;
}

catalog::CaptureFile as_row(const Ingested& ingested, const std::string& ingest) {
  catalog::CaptureFile file;
  file.file_id = ingested.sha256.substr(0, kFileIdDigits);
  file.sha256 = ingested.sha256;
  file.ingest = ingest;
  file.bytes = static_cast<int64_t>(ingested.bytes);
  file.packets = static_cast<int64_t>(ingested.packets);
  file.data_bytes = static_cast<int64_t>(ingested.data_bytes);
  file.first_ns = ingested.first_ns;
  file.last_ns = ingested.last_ns;
  file.timed = ingested.timed ? 1 : 0;
  file.truncated = ingested.fault.empty() ? 0 : 1;
  file.links = ingested.links;
  file.stored_bytes = static_cast<int64_t>(ingested.stored_bytes);
  file.created = base::wall_clock_ns();
  return file;
}

/// The names in a directory; of none that is not there.
std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    names.push_back(at->path().filename().string());
  return names;
}

}  // namespace

base::Result<std::unique_ptr<Store>> Store::open(const catalog::Location& location) {
  const std::string root = catalog::store_folder(location);
  if (const auto made = make_folders(root); !made) return std::unexpected(made.error());
  auto db = catalog::open_catalog(location);
  if (!db) return std::unexpected(db.error());
  std::unique_ptr<Store> store(new Store(root, *db));
  if (const auto claimed = store->claim(); !claimed) return std::unexpected(claimed.error());
  return store;
}

base::Result<std::unique_ptr<Store>> Store::open_existing(const catalog::Location& location) {
  const std::string file = catalog::catalog_file(location);
  if (!file.empty() && ::access(file.c_str(), F_OK) != 0) return nullptr;
  auto db = catalog::open_catalog_to_read(location);
  if (!db) return std::unexpected(db.error());
  return std::unique_ptr<Store>(new Store(catalog::store_folder(location), *db));
}

/// Directory and catalog know each other: a sweep with another catalog would take all files for left over.
base::Result<void> Store::claim() {
  const auto held = lock();
  if (!held) return std::unexpected(held.error());
  const auto known = catalog_.claimed();
  if (!known) return std::unexpected(known.error());
  if (known->empty() && !stored().empty())
    return base::fail(root_ + ": has captures that the catalog does not know",
                      "give the --db that belongs to it");
  const std::string path = root_ + "/id";
  std::string id;
  if (!(std::ifstream(path) >> id)) {
    if (!known->empty())
      return base::fail(path + ": cannot be read; the catalog's store is " + *known,
                        "give the --store that belongs to it");
    id = random_name(kIdBytes);
    if (const auto removed = remove_all(path); !removed) return removed;
    if (const auto written = write_synced(path, id + "\n"); !written) return written;
    if (const auto synced = sync(root_); !synced) return synced;
  }
  const auto owner = catalog_.claim(id);
  if (!owner) return std::unexpected(owner.error());
  if (*owner != id)
    return base::fail(root_ + ": belongs to another catalog than the one of --db",
                      "give the --db and --store that belong together");
  return {};
}

base::Result<base::Fd> Store::lock() const { return lock_file(root_ + "/lock", false); }

std::string Store::original_path(const catalog::CaptureFile& file) const {
  if (!file.reference.empty()) return file.reference;
  return root_ + "/captures/" + file.sha256.substr(0, 2) + "/" + file.sha256;
}

std::string Store::parts_folder(const std::string& file_id, const std::string& ingest) const {
  return root_ + "/parts/" + file_id.substr(0, 2) + "/" + kFileFolder + file_id + "/" + ingest;
}

Capture Store::capture(const catalog::HeldFile& file) const {
  return {file.file_id, file.name, parts_folder(file.file_id, file.ingest), original_path(file),
          file.reference.empty() ? 0 : file.reference_ns};
}

base::Result<Store::Incoming> Store::begin() {
  const auto held = lock();
  if (!held) return std::unexpected(held.error());
  const std::string name = random_name(kIngestBytes), folder = root_ + "/incoming/" + name;
  if (const auto made = make_folders(folder + "/parts"); !made) return std::unexpected(made.error());
  auto locked = lock_file(folder + "/lock", false);
  if (!locked) return std::unexpected(locked.error());
  return Incoming(root_, name, std::move(*locked));
}

/// With the store's lock: else a sweep that sees half of it would make the rest its own. What cannot be
/// removed goes with the next sweep.
Store::Incoming::~Incoming() {
  if (!lock_) return;
  const auto held = lock_file(root_ + "/lock", false);
  if (held) (void)remove_all(folder());
}

base::Result<Added> Store::add(const Incoming& incoming, const std::string& path, const AddOptions& options) {
  const int64_t modified = modified_ns(path);
  const auto ingested = ingest(path, {.folder = incoming.folder() + "/parts",
                                      .copy = options.copy ? incoming.folder() + "/original" : "",
                                      .progress = options.progress});
  if (!ingested) return std::unexpected(ingested.error());
  if (!options.copy && ingested->compressed)
    return base::fail(path + ": compressed, so it cannot stay where it is", "without --no-copy",
                      base::Exit::usage);
  if (!options.copy && modified_ns(path) != modified)
    return base::fail(path + ": changed while it was read", "try again");
  return publish(incoming, *ingested, path, options);
}

base::Result<Added> Store::publish(const Incoming& incoming, const Ingested& ingested,
                                   const std::string& path, const AddOptions& options) {
  catalog::CaptureFile file = as_row(ingested, incoming.name());
  if (!options.copy) {
    std::error_code error;
    file.reference = std::filesystem::absolute(path, error).string();
    file.reference_ns = modified_ns(path);
    if (!base::is_utf8(file.reference))
      return base::fail(path + ": its name is no UTF-8", "without --no-copy");
  }
  const std::string name = base::utf8_text(options.name.empty() ? last_part(path) : options.name);
  const auto held = lock();
  if (!held) return std::unexpected(held.error());
  if (const auto placed = place(incoming, file, options.copy); !placed)
    return std::unexpected(placed.error());
  auto published = catalog_.publish(file, options.owner, name, options.project_id);
  if (!published) return std::unexpected(published.error());
  if (!published->is_new)
    if (const auto settled = settle(file, *published); !settled) return std::unexpected(settled.error());
  return Added{published->file, name, published->already_present, ingested.fault};
}

/// Of a file that the catalog knew: its parts stay; a reference gives way to a copy, and one that went or
/// changed to a new one.
base::Result<void> Store::settle(const catalog::CaptureFile& ours, catalog::Published& published) {
  catalog::CaptureFile& file = published.file;
  const bool copied = ours.reference.empty();
  if (!file.reference.empty() && (copied || modified_ns(file.reference) != file.reference_ns)) {
    file.reference = ours.reference;
    file.reference_ns = ours.reference_ns;
    if (copied) file.stored_bytes += file.bytes;
    if (const auto referred = catalog_.refer(file); !referred) return std::unexpected(referred.error());
  }
  return remove_all(parts_folder(ours.file_id, ours.ingest));
}

/// Moves original and parts to where the catalog will say that they are.
base::Result<void> Store::place(const Incoming& incoming, const catalog::CaptureFile& file, bool copied) {
  const std::string parts = parts_folder(file.file_id, file.ingest);
  if (const auto made = make_folders(parts.substr(0, parts.rfind('/'))); !made) return made;
  if (const auto moved = move_synced(incoming.folder() + "/parts", parts); !moved) return moved;
  if (!copied) return {};
  const std::string original = original_path(file);
  if (const auto made = make_folders(original.substr(0, original.rfind('/'))); !made) return made;
  return move_synced(incoming.folder() + "/original", original);
}

base::Result<void> Store::sweep(int64_t grace_ns) {
  const auto held = lock();
  if (!held) return std::unexpected(held.error());
  for (const std::string& name : names_in(root_ + "/incoming")) {
    if (!is_hexadecimal(name, 2 * kIngestBytes)) continue;
    const std::string folder = root_ + "/incoming/" + name;
    const auto locked = lock_file(folder + "/lock", true);
    if (locked && !*locked) continue;  // its run lives
    if (const auto removed = remove_all(folder); !removed) return removed;
  }
  if (const auto forgotten = forget_deleted(base::wall_clock_ns() - grace_ns); !forgotten) return forgotten;
  return remove_unknown();
}

base::Result<void> Store::forget_deleted(int64_t before) {
  const auto deleted = catalog_.deleted_before(before);
  if (!deleted) return std::unexpected(deleted.error());
  for (const catalog::CaptureFile& file : *deleted)
    if (const auto forgotten = catalog_.forget(file.file_id); !forgotten)
      return std::unexpected(forgotten.error());
  return {};
}

base::Result<void> Store::remove_unknown() {
  const auto known = catalog_.known();
  if (!known) return std::unexpected(known.error());
  std::set<std::string> paths;
  for (const catalog::KnownFile& file : *known) {
    if (file.reference.empty())
      paths.insert(root_ + "/captures/" + file.sha256.substr(0, 2) + "/" + file.sha256);
    paths.insert(parts_folder(file.sha256.substr(0, kFileIdDigits), file.ingest));
  }
  for (const std::string& path : stored()) {
    if (paths.contains(path)) continue;
    if (const auto removed = remove_all(path); !removed) return removed;
    const std::string above = path.substr(0, path.rfind('/'));
    if (above.find(kFileFolder) != above.npos) ::rmdir(above.c_str());  // stays where it is not empty
  }
  return {};
}

/// Originals and directories of parts, whether the catalog knows them or not; nothing that is not ours, if
/// somebody chose a directory of theirs for the store.
std::vector<std::string> Store::stored() const {
  std::vector<std::string> paths;
  const auto list = [&paths](const std::string& folder, size_t digits) {
    for (const std::string& name : names_in(folder))
      if (is_hexadecimal(name, digits)) paths.push_back(folder + "/" + name);
  };
  for (const std::string& first : names_in(root_ + "/captures"))
    if (is_hexadecimal(first, 2)) list(root_ + "/captures/" + first, 2 * kFileIdDigits);
  for (const std::string& first : names_in(root_ + "/parts")) {
    if (!is_hexadecimal(first, 2)) continue;
    for (const std::string& file : names_in(root_ + "/parts/" + first)) {
      const std::string folder = root_ + "/parts/" + first + "/" + file;
      if (!file.starts_with(kFileFolder)) continue;
      list(folder, 2 * kIngestBytes);
      if (names_in(folder).empty()) paths.push_back(folder);
    }
  }
  return paths;
}

base::Result<std::unique_ptr<TemporaryParts>> TemporaryParts::make(const std::string& path,
                                                                   const std::function<bool()>& give_up) {
  std::string pattern = temporary_pattern();
  if (::mkdtemp(pattern.data()) == nullptr) return failure(pattern);
  std::unique_ptr<TemporaryParts> made(new TemporaryParts);
  made->folder_ = pattern;
  // The name is different for each, so that several can be asked together.
  made->capture_ = {"", path, pattern + "/file_id=" + last_part(pattern) + "/parts", path, 0};
  if (const auto folders = make_folders(made->capture_.folder); !folders)
    return std::unexpected(folders.error());
  const std::string copy = pattern + "/original";
  auto ingested = ingest(path, {.folder = made->capture_.folder,
                                .copy = copy,
                                .copy_only_compressed = true,
                                .progress = [&](uint64_t, uint64_t) { return give_up(); }});
  if (!ingested) return std::unexpected(ingested.error());
  if (ingested->compressed) made->capture_.original = copy;
  made->ingested_ = std::move(*ingested);
  return made;
}

TemporaryParts::~TemporaryParts() {
  if (!folder_.empty()) (void)remove_all(folder_);
}

}  // namespace wl::store
