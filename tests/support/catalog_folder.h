#pragma once
// An empty catalog for a test: a file of its own, or the server that WIRELINE_TEST_DB names.
#include <cstdlib>
#include <filesystem>
#include <string>

#include <catch2/catch.hpp>

#include "libcommon/catalog/rows.h"

namespace wl::test {

inline void run(catalog::Db& db, const std::string& sql) {
  const auto done = db.transaction([&](soci::session& in) { return catalog::run(in, sql); });
  INFO((done ? "" : done.error().line()));
  REQUIRE(done.has_value());
}

inline int64_t ask(catalog::Db& db, const std::string& sql) {
  const auto answer = db.transaction([&](soci::session& in) { return catalog::number(in, sql); });
  REQUIRE(answer.has_value());
  return *answer;
}

/// A directory that goes with the test, also where that cannot begin.
struct Temporary {
  std::string path = [] {
    std::string name = "/tmp/wireline-catalog-XXXXXX";
    return std::string(::mkdtemp(name.data()));
  }();
  ~Temporary() { std::filesystem::remove_all(path); }
};

struct Folder : Temporary {
  std::string server = ::getenv("WIRELINE_TEST_DB") == nullptr ? "" : ::getenv("WIRELINE_TEST_DB");

  Folder() {
    if (server.empty()) return;
    catalog::Db db(catalog::read_url(server, ::getenv("WIRELINE_DB_PASSWORD")).value());
    for (const std::string table : {"pcap_project_map", "holdings", "projects", "pcap_metadata", "tokens",
                                    "users", "invitations", "stores", "watched_files", "schema_migrations"})
      run(db, "drop table if exists " + table);
  }
  [[nodiscard]] catalog::Location location() const { return {server, path, {}}; }
};

}  // namespace wl::test
