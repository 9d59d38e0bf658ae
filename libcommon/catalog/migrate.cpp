#include "libcommon/catalog/migrate.h"

#include <algorithm>
#include <array>
#include <span>

#include "libcommon/base/time.h"

namespace wl::catalog {
namespace {

/// Steps in SQL that all three engines know; "$table" stands for what MariaDB wants to be told of a table.
/// Each step can be repeated: MariaDB keeps those before the one that a kill broke off.
struct Migration {
  int64_t number;
  std::string_view name;
  std::span<const std::string_view> steps;
};

constexpr std::array<std::string_view, 5> kUsers{
    "create table if not exists users (id varchar(32) primary key, email varchar(254) not null unique,"
    " password varchar(128) not null, created bigint not null, disabled smallint not null) $table",
    "create table if not exists tokens (hash varchar(64) primary key, id varchar(16) not null unique,"
    " user_id varchar(32) not null, name varchar(80) not null, created bigint not null,"
    " expires bigint not null, last_used bigint not null,"
    " foreign key (user_id) references users (id) on delete cascade) $table",
    "create index if not exists tokens_user on tokens (user_id)",
    "create index if not exists tokens_expires on tokens (expires)",
    "create table if not exists invitations (hash varchar(64) primary key, only_first smallint not null,"
    " expires bigint not null) $table",
};

/// Append only: what has a number here has run somewhere.
constexpr std::array kMigrations{Migration{1, "users, tokens, invitations", kUsers}};

constexpr std::string_view kVersion = "select coalesce(max(number), 0) from schema_migrations";

std::string for_engine(std::string_view step, Engine engine) {
  const size_t at = step.find(" $table");
  if (at == std::string_view::npos) return std::string(step);
  return std::string(step.substr(0, at)) +
         (engine == Engine::mysql ? " engine=innodb default charset=utf8mb4 collate=utf8mb4_bin" : "");
}

void run(Db& db, std::string_view sql) { Statement(db, sql).run(); }

int64_t ask(Db& db, std::string_view sql) {
  int64_t answer = 0;
  Statement question(db, sql);
  question.into(answer).next();
  return answer;
}

/// Gives the version that it found where that is newer than ours, else ours.
int64_t bring_up(Db& db) {
  run(db, for_engine("create table if not exists schema_migrations (number bigint primary key,"
                     " name varchar(80) not null, applied bigint not null) $table",
                     db.engine()));
  const int64_t found = ask(db, kVersion);
  for (const Migration& migration : kMigrations) {
    if (migration.number <= found) continue;
    for (const std::string_view step : migration.steps) run(db, for_engine(step, db.engine()));
    Statement done(db, "insert into schema_migrations (number, name, applied) values (:number, :name, :at)");
    done.bind(migration.number).bind(migration.name).bind(base::wall_clock_ns()).run();
  }
  return std::max(found, kMigrations.back().number);
}

/// One process at a time. SQLite's transaction has its lock by itself; PostgreSQL gives ours back at its end.
int64_t bring_up_alone(Db& db) {
  if (db.engine() == Engine::sqlite) return bring_up(db);
  if (db.engine() == Engine::postgresql) {
    ask(db, "select 1 from (select pg_advisory_xact_lock(7310589)) as locked");
    return bring_up(db);
  }
  // MariaDB ends a transaction at each CREATE: the lock belongs to the connection.
  if (ask(db, "select get_lock('wireline_catalog', 25)") != 1) return 0;
  const std::shared_ptr<void> unlock(nullptr,
                                     [&db](void*) { ask(db, "select release_lock('wireline_catalog')"); });
  return bring_up(db);
}

}  // namespace

base::Result<void> migrate(Db& db) {
  const auto ready = db.read([](Db& in) { return ask(in, kVersion); });  // fails where there is no table yet
  const auto version = ready && *ready >= kMigrations.back().number ? ready : db.transaction(bring_up_alone);
  if (!version) return base::with_context("catalog", version.error());
  if (*version == 0) return base::fail("catalog: another program migrates it for too long", "try again");
  if (const int64_t ours = kMigrations.back().number; *version > ours) {
    return base::fail("catalog: its version " + std::to_string(*version) + " is newer than this program's " +
                          std::to_string(ours),
                      "update wireline");
  }
  return {};
}

base::Result<std::shared_ptr<Db>> open_catalog(const Location& location) {
  auto db = Db::open(location);
  if (!db) return std::unexpected(db.error());
  if (const auto ready = migrate(**db); !ready) return std::unexpected(ready.error());
  return std::shared_ptr<Db>(std::move(*db));
}

}  // namespace wl::catalog
