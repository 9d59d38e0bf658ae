#pragma once
// Which captures are in the store, and who has them. The catalog decides what is visible: bytes that it does
// not name are no file.
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "libcommon/catalog/projects.h"

namespace wl::catalog {

/// A capture whose bytes are in the store. Text is UTF-8 without NUL (base::wire_text makes it so).
struct CaptureFile {
  std::string file_id{};  ///< the first 32 digits of `sha256`
  std::string sha256{};   ///< of the capture as it is uncompressed: 64 hexadecimal digits
  std::string ingest{};   ///< 16 hexadecimal digits that name the directory of its parts
  int64_t bytes = 0;      ///< of the capture, uncompressed
  int64_t packets = 0;
  int64_t data_bytes = 0;  ///< of all packets, on the wire
  int64_t first_ns = 0;    ///< all times: nanoseconds since 1970
  int64_t last_ns = 0;
  int64_t timed = 0;         ///< 0: no packet has a time
  int64_t truncated = 0;     ///< 1: the capture is cut or malformed somewhere
  std::string links{};       ///< names of its link types, with commas between them
  std::string reference{};   ///< path of an original that was not copied; empty: it was
  int64_t reference_ns = 0;  ///< when that was last modified
  int64_t stored_bytes = 0;  ///< its parts, and the original that was copied
  int64_t created = 0;
  int64_t deleted = 0;  ///< since when nobody has it; 0: somebody has

  static constexpr const char* kColumns =
      "file_id, sha256, ingest, bytes, packets, data_bytes, first_ns, last_ns, timed, truncated, links,"
      " reference, reference_ns, stored_bytes, created, deleted";
  auto fields() {
    return std::tie(file_id, sha256, ingest, bytes, packets, data_bytes, first_ns, last_ns, timed, truncated,
                    links, reference, reference_ns, stored_bytes, created, deleted);
  }
};

/// A capture as one who has it sees it.
struct HeldFile : CaptureFile {
  std::string owner{};
  std::string name{};  ///< as its owner called it
  int64_t added = 0;

  static inline const std::string kColumns = std::string(CaptureFile::kColumns) + ", owner, name, added";
  auto fields() { return std::tuple_cat(CaptureFile::fields(), std::tie(owner, name, added)); }
};

struct Published {
  bool is_new = false;           ///< the parts of this ingest are the valid ones
  bool already_present = false;  ///< this owner had the file before
  CaptureFile file{};            ///< as the catalog has it now
};

/// What in the store belongs to a file.
struct KnownFile {
  std::string sha256{};
  std::string ingest{};
  std::string reference{};

  static constexpr const char* kColumns = "sha256, ingest, reference";
  auto fields() { return std::tie(sha256, ingest, reference); }
};

/// Packets between two times, in nanoseconds since 1970: not before `since`, before `until`.
struct TimeSpan {
  std::optional<int64_t> since{};
  std::optional<int64_t> until{};
};

/// Everything may block. Threads and processes may share a catalog: what writes here is done one after the
/// other.
class Captures : public Projects {
 public:
  static constexpr size_t kMaxFileName = 1020;  ///< in bytes: 255 characters of four
  using Projects::Projects;

  /// Makes visible what is durable in the store. Where the file is known its row stays as it is, but for
  /// `deleted`, and `created` where it was deleted; then the caller's parts are superfluous. The owner has
  /// the file afterwards, in that project if one is named, under the name that they gave it first. Doing it
  /// again with the same ingest is harmless. Exit::usage: what must be named is not, or is no UTF-8 text;
  /// Exit::no: this owner has no such project.
  [[nodiscard]] base::Result<Published> publish(const CaptureFile& file, const std::string& owner,
                                                const std::string& name, const std::string& project_id);

  /// By first_ns, name, file_id, owner: one for each who has it. With a span: those with packets in it, as
  /// far as first and last tell; none without times. A project shows only what its own owner has.
  [[nodiscard]] base::Result<std::vector<HeldFile>> files(const std::string& owner,
                                                          const std::string& project_id,
                                                          const TimeSpan& span = {});
  /// Which files `text` means: that file_id; else those whose file_id begins with it (four digits at least);
  /// else those of that name. Each once, as who had it first sees it; ordered as files().
  [[nodiscard]] base::Result<std::vector<HeldFile>> resolve(const std::string& owner,
                                                            const std::string& text);
  /// The one file that `text` means; nothing: there is none. Exit::usage: it means several.
  [[nodiscard]] base::Result<std::optional<HeldFile>> find_file(const std::string& owner,
                                                                const std::string& text);
  [[nodiscard]] base::Result<bool> present(const std::string& owner, const std::string& file_id);

  /// The owner (the operator: everybody) has the file no more, and their projects neither. False: they had it
  /// not. `deleted` is now where nobody else has it.
  [[nodiscard]] base::Result<bool> release(const std::string& owner, const std::string& file_id);
  [[nodiscard]] base::Result<std::vector<CaptureFile>> deleted_before(int64_t ns);
  /// False: somebody has it (again), or it is gone. To be called before its bytes are removed: another ingest
  /// may bring it back until then, and does not after.
  [[nodiscard]] base::Result<bool> forget(const std::string& file_id);

  /// Where its original lies from now on (`reference`, `reference_ns`), and what it takes (`stored_bytes`).
  [[nodiscard]] base::Result<bool> refer(const CaptureFile& file);

  /// A catalog belongs to one store directory, to the first that claims it: whose id is the answer.
  [[nodiscard]] base::Result<std::string> claim(const std::string& store_id);
  /// Whose id that is; empty: nobody claimed it.
  [[nodiscard]] base::Result<std::string> claimed();

  /// Of all rows, deleted ones too.
  [[nodiscard]] base::Result<std::vector<KnownFile>> known();
  /// What is not deleted, by created.
  [[nodiscard]] base::Result<std::vector<CaptureFile>> oldest_first();
};

}  // namespace wl::catalog
