#pragma once
// A relational database behind a thin layer over SOCI: SQLite, PostgreSQL and MariaDB say the same through
// it.
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "libcommon/base/error.h"

namespace wl::catalog {

/// Where the catalog is.
struct Location {
  std::string db{};     ///< --db: "sqlite", "sqlite:FILE", "postgresql://…", "mysql://…"; empty: "sqlite"
  std::string store{};  ///< --store: directory of catalog.sqlite; empty: the user's own
  /// First line: the password of a server; empty: WIRELINE_DB_PASSWORD (libpq knows ~/.pgpass by itself).
  std::string password_file{};
};

enum class Engine : uint8_t { sqlite, postgresql, mysql };

/// A failure of the database; never carries a bound value.
struct DbError : base::Error {
  bool duplicate = false;  ///< a value that must be unique was there already
};

template <class T>
using DbResult = std::expected<T, DbError>;

class Statement;

/// A connection. Threads may share it: one transaction at a time. It connects anew when the server went away.
class Db {
 public:
  /// A file of SQLite is created with mode 0600, its directories with 0700.
  [[nodiscard]] static base::Result<std::unique_ptr<Db>> open(const Location& location);
  Db(const Db&) = delete;
  Db& operator=(const Db&) = delete;
  ~Db();

  /// All of `work` or, when a statement fails, nothing of it. `work` makes Statements of the Db and gives
  /// what it found.
  template <class Work>
  [[nodiscard]] auto transaction(Work&& work) {
    return run(std::forward<Work>(work), true);
  }
  /// The same for what writes nothing; it never waits for those who write.
  template <class Work>
  [[nodiscard]] auto read(Work&& work) {
    return run(std::forward<Work>(work), false);
  }
  [[nodiscard]] Engine engine() const;

 private:
  friend class Statement;
  struct State;
  explicit Db(std::unique_ptr<State> state);
  template <class Work>
  auto run(Work&& work, bool writes) -> DbResult<std::invoke_result_t<Work, Db&>> {
    std::invoke_result_t<Work, Db&> found{};
    const auto done = run_all([&](Db& db) { found = work(db); }, writes);
    if (!done) return std::unexpected(done.error());
    return found;
  }
  DbResult<void> run_all(const std::function<void(Db&)>& work, bool writes);
  std::unique_ptr<State> state_;
};

/// One statement of a transaction. It owns the values that are bound to it; what it reads goes into variables
/// that must outlive it. Failures are exceptions, which the transaction turns into its result.
///
///   Statement find(db, "select id, created from users where email = :email");
///   find.bind(email).into(user.id).into(user.created);
///   while (find.next()) found.push_back(user);
class Statement {
 public:
  Statement(Db& db, std::string_view sql);
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement();

  /// The next ":name" in the order of the text, each name once.
  Statement& bind(std::string_view text);
  Statement& bind(int64_t number);
  /// The next column; NULL gives "" and 0.
  Statement& into(std::string& text);
  Statement& into(int64_t& number);
  /// Reads the next row; false: there is none.
  bool next();
  /// Runs what gives no rows; how many it touched.
  int64_t run();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A new name for a row: 128 random bits in hexadecimal.
[[nodiscard]] std::string new_id();

}  // namespace wl::catalog
