#pragma once
// The directory store: where a capture's bytes and parts lie, and when they become visible.
//
//   captures/<aa>/<sha256>                  the original, uncompressed; aa: its first two digits
//   parts/<aa>/file_id=<id>/<ingest>/       its parts and their manifest
//   incoming/<ingest>/                      what is being written: `lock`, `original`, `parts/`
//   id                                      this store's name, which the catalog knows
//   lock                                    held while something is moved or removed
//   catalog.sqlite                          the catalog, unless --db says otherwise
//
// A file is visible when the catalog's transaction says so; that comes after everything of it was synced and
// moved to its place. What the catalog does not know is left over from a run that was killed, and goes with
// the next sweep().
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libcommon/base/fd.h"
#include "libcommon/catalog/captures.h"
#include "libcommon/catalog/watched.h"
#include "libcommon/store/ingest.h"
#include "libcommon/store/reader.h"

namespace wl::store {

struct AddOptions {
  std::string owner = "local";
  std::string name{};  ///< empty: the last part of the path
  std::string project_id{};
  bool copy = true;  ///< false: the original stays where it is, and must not change
  std::function<bool(uint64_t bytes, uint64_t packets)> progress{};  ///< as IngestOptions has it
};

struct Added {
  catalog::CaptureFile file{};
  std::string name{};
  bool already_present = false;  ///< this owner had it
  std::string fault{};           ///< why not all of the capture could be read; empty: it could
};

/// Threads may share it.
class Store {
 public:
  /// How long the bytes of a deleted file stay, for readers that have begun.
  static constexpr int64_t kGraceNs = int64_t{600} * 1'000'000'000;

  /// Opens catalog and directory, for writing. A directory that belongs to another catalog is refused.
  [[nodiscard]] static base::Result<std::unique_ptr<Store>> open(const catalog::Location& location);
  /// The same for asking: nothing is created. Null: there is no store yet.
  [[nodiscard]] static base::Result<std::unique_ptr<Store>> open_existing(const catalog::Location& location);

  [[nodiscard]] catalog::Captures& catalog() { return catalog_; }
  [[nodiscard]] catalog::Watched& watched() { return watched_; }
  /// For Reader.
  [[nodiscard]] Capture capture(const catalog::HeldFile& file) const;

  /// A new directory for a run of ours, incoming/<name>: locked as long as the object lives, and goes with
  /// it.
  class Incoming {
   public:
    Incoming(std::string root, std::string name, base::Fd lock)
        : root_(std::move(root)), name_(std::move(name)), lock_(std::move(lock)) {}
    ~Incoming();
    Incoming(Incoming&&) noexcept = default;
    Incoming& operator=(Incoming&&) = delete;

    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] std::string folder() const { return root_ + "/incoming/" + name_; }

   private:
    std::string root_, name_;
    base::Fd lock_;  // none: it was moved to another object
  };
  [[nodiscard]] base::Result<Incoming> begin();

  /// Takes in one capture file, through a directory of begin(). Exit::usage: it is no capture.
  [[nodiscard]] base::Result<Added> add(const Incoming& incoming, const std::string& path,
                                        const AddOptions& options);
  /// Removes what killed runs left, and what has been deleted for longer than `grace_ns`. To be called before
  /// other work. Files of runs that live are left alone.
  [[nodiscard]] base::Result<void> sweep(int64_t grace_ns = kGraceNs);
  /// What is wrong with a file's original and parts: their SHA-256, and each row against a fresh decode.
  /// Empty: nothing.
  [[nodiscard]] base::Result<std::vector<std::string>> verify(const catalog::CaptureFile& file);

  [[nodiscard]] std::string original_path(const catalog::CaptureFile& file) const;
  [[nodiscard]] std::string parts_folder(const std::string& file_id, const std::string& ingest) const;

 private:
  Store(std::string root, const std::shared_ptr<catalog::Db>& db)
      : root_(std::move(root)), catalog_(db), watched_(db) {}
  base::Result<void> claim();
  [[nodiscard]] std::vector<std::string> stored() const;
  base::Result<void> forget_deleted(int64_t before);
  base::Result<void> remove_unknown();
  base::Result<base::Fd> lock() const;
  base::Result<Added> publish(const Incoming& incoming, const Ingested& ingested, const std::string& path,
                              const AddOptions& options);
  base::Result<void> settle(const catalog::CaptureFile& ours, catalog::Published& published);
  base::Result<void> place(const Incoming& incoming, const catalog::CaptureFile& file, bool copied);

  std::string root_;
  catalog::Captures catalog_;
  catalog::Watched watched_;
};

/// Parts of a capture that is in no store, in a directory of $TMPDIR that goes with the object.
class TemporaryParts {
 public:
  /// `path` as the user named it. `give_up` is asked about each 100 ms; true: a failure.
  [[nodiscard]] static base::Result<std::unique_ptr<TemporaryParts>> make(
      const std::string& path, const std::function<bool()>& give_up);
  ~TemporaryParts();
  TemporaryParts(const TemporaryParts&) = delete;
  TemporaryParts& operator=(const TemporaryParts&) = delete;

  [[nodiscard]] const Capture& capture() const { return capture_; }
  [[nodiscard]] const Ingested& ingested() const { return ingested_; }

 private:
  TemporaryParts() = default;
  std::string folder_;
  Capture capture_;
  Ingested ingested_;
};

}  // namespace wl::store
