#pragma once
// Statements for what is done in a transaction, with their ":name"s in the order of the text. For the
// catalog's own .cpp files: it brings SOCI in. Failures are exceptions, which the transaction turns into its
// result.
//
// A row is a struct that names its columns and their variables, numbers being int64_t:
//   static constexpr const char* kColumns = "id, email";
//   auto fields() { return std::tie(id, email); }
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include <soci/soci.h>

#include "libcommon/catalog/database.h"

namespace wl::catalog {

/// A new name for a row: 128 random bits in hexadecimal.
inline std::string new_id() {
  std::random_device random;  // the system's: nobody can guess the next one
  std::string text;
  while (text.size() < 32) text += "0123456789abcdef"[random() % 16];
  return text;
}

/// How many rows it touched (MariaDB counts only those that changed).
template <class... Values>
int64_t run(soci::session& sql, const std::string& text, const Values&... values) {
  soci::statement statement = ((sql.prepare << text), ..., soci::use(values));
  statement.execute(true);
  return statement.get_affected_rows();
}

/// The first column of the first row; 0: there is none, or it is null.
template <class... Values>
int64_t number(soci::session& sql, const std::string& text, const Values&... values) {
  int64_t found = 0;
  soci::indicator null = soci::i_null;
  ((sql << text, soci::into(found, null)), ..., soci::use(values));
  return null == soci::i_null ? 0 : found;
}

/// As a transaction's first statement: those that begin with it run one after the other, in all processes,
/// and see what the one before them did. (SQLite's do so by themselves.)
inline void one_writer(soci::session& sql) {
  run(sql, "update schema_migrations set applied = applied where number = 1");
}

/// The condition for what an owner sees, with one ":name" for the owner; empty: the operator, who sees all.
inline std::string seen_by(const std::string& owner) {
  return owner.empty() ? "(owner = :owner or 1 = 1)" : "owner = :owner";
}

/// One statement as a transaction of its own; whether it touched a row.
template <class... Values>
base::Result<bool> change(Db& db, const std::string& text, const Values&... values) {
  return db.transaction([&](soci::session& sql) { return run(sql, text, values...) > 0; });
}

/// "select its columns from `rest`".
template <class Row, class... Values>
std::vector<Row> rows(soci::session& sql, const std::string& rest, const Values&... values) {
  Row row;
  std::vector<Row> found;
  auto prepared = ((sql.prepare << "select " << Row::kColumns << " from " << rest), ..., soci::use(values));
  std::apply([&](auto&... field) { (prepared, ..., soci::into(field)); }, row.fields());
  soci::statement statement = prepared;
  statement.execute();
  while (statement.fetch()) found.push_back(row);
  return found;
}

/// The same as a transaction of its own.
template <class Row, class... Values>
base::Result<std::vector<Row>> select(Db& db, const std::string& rest, const Values&... values) {
  return db.read([&](soci::session& sql) { return rows<Row>(sql, rest, values...); });
}

/// The first of those.
template <class Row, class... Values>
base::Result<std::optional<Row>> find(Db& db, const std::string& rest, const Values&... values) {
  const auto rows = select<Row>(db, rest, values...);
  if (!rows) return std::unexpected(rows.error());
  return rows->empty() ? std::nullopt : std::optional(rows->front());
}

}  // namespace wl::catalog
