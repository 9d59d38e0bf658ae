#pragma once
// A relational database over SOCI: SQLite, PostgreSQL and MariaDB say the same through it.
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <vector>

#include "libcommon/base/error.h"

namespace soci {
class backend_factory;
class session;
}  // namespace soci

namespace wl::catalog {

/// Where the catalog is.
struct Location {
  std::string db{};     ///< --db: "sqlite", "sqlite:FILE", "postgresql://…", "mysql://…"; empty: "sqlite"
  std::string store{};  ///< --store: directory of catalog.sqlite; empty: the user's own
  /// First line: the password of a server; empty: WIRELINE_DB_PASSWORD (libpq knows ~/.pgpass by itself).
  std::string password_file{};
};

/// A database, with what is particular to its kind.
struct Target {
  const soci::backend_factory* factory = nullptr;
  std::string connect{};  ///< for SOCI; has the password
  std::string shown{};    ///< for messages: the file, or the URL
  bool is_file = false;
  bool stands_still = false;  ///< we cannot write the file: read as it is, without locks; each time anew
  std::vector<std::string> settings{};  ///< statements for each new connection
  /// Queries that give 1: one process at a time migrates.
  std::string lock = "select 1", unlock = "select 1";
};

/// "sqlite:FILE", "postgresql://user@host:port/name?sslmode=verify-full", "mysql://…". A password in it is
/// refused: other users see command lines.
[[nodiscard]] base::Result<Target> read_url(const std::string& url, const std::string& password);

/// A connection. Threads may share it: one transaction at a time. It connects anew when the server went away.
/// A failure never carries a bound value; its exit is Exit::no where a value that must be unique is there
/// already.
class Db {
 public:
  explicit Db(Target target) : target_(std::move(target)) {}

  /// All of `work` or, when a statement fails, nothing of it. `work` is given the session (rows.h has what it
  /// does with it) and gives what it found.
  template <class Work>
  [[nodiscard]] auto transaction(const Work& work, bool writes = true)
      -> base::Result<std::invoke_result_t<Work, soci::session&>> {
    std::invoke_result_t<Work, soci::session&> found{};
    const auto done = run_all([&](soci::session& sql) { found = work(sql); }, writes);
    if (!done) return std::unexpected(done.error());
    return found;
  }
  /// The same for what writes nothing; it never waits for those who write.
  template <class Work>
  [[nodiscard]] auto read(const Work& work) {
    return transaction(work, false);
  }

 private:
  base::Result<void> run_all(const std::function<void(soci::session&)>& work, bool writes);

  Target target_;
  std::mutex busy_;
  std::shared_ptr<soci::session> session_;  ///< null: connect anew
};

/// The directory of a store: --store, else the user's own. It may not be there.
[[nodiscard]] std::string store_folder(const Location& location);
/// The catalog's file, in that directory unless --db names another; empty: it is on a server.
[[nodiscard]] std::string catalog_file(const Location& location);

/// Which tables this program knows: the number of the last migration.
inline constexpr int64_t kCatalogVersion = 13;

/// Opens the catalog and brings its tables to this program's version. Several processes may do it at once:
/// one works, the others wait. A catalog that a newer program made is refused. A file of SQLite is created
/// with mode 0600, its directories with 0700.
[[nodiscard]] base::Result<std::shared_ptr<Db>> open_catalog(const Location& location);
/// The same for asking: a file on a full disk, or one that we may only read, will do, if it is of this
/// program's version.
[[nodiscard]] base::Result<std::shared_ptr<Db>> open_catalog_to_read(const Location& location);

}  // namespace wl::catalog
