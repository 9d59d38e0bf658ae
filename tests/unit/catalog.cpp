// The catalog on SQLite: migrations from nothing, by two processes at once, from torn states, from the
// future; users, tokens and codes.
#include <cstdlib>
#include <filesystem>

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libcommon/base/time.h"
#include "libcommon/catalog/migrate.h"
#include "libcommon/catalog/url.h"
#include "libcommon/catalog/users.h"

using namespace wl;
using namespace wl::catalog;

namespace {

/// A directory that goes with the test.
struct Folder {
  std::string path = [] {
    std::string name = "/tmp/wireline-catalog-XXXXXX";
    return std::string(::mkdtemp(name.data()));
  }();
  ~Folder() { std::filesystem::remove_all(path); }
  [[nodiscard]] Location location(const std::string& below = {}) const { return {{}, path + below, {}}; }
};

unsigned mode_of(const std::string& path) {
  struct stat found{};
  return ::stat(path.c_str(), &found) == 0 ? found.st_mode & 0777U : 0;
}

Users users_of(const Location& location) {
  auto db = open_catalog(location);
  REQUIRE(db.has_value());
  return Users(*db);
}

void run(Db& db, std::string_view sql) {
  const auto done = db.transaction([sql](Db& in) { return Statement(in, sql).run(); });
  INFO((done ? "" : done.error().line()));
  REQUIRE(done.has_value());
}

int64_t ask(Db& db, std::string_view sql) {
  const auto answer = db.transaction([sql](Db& in) {
    int64_t number = -1;
    Statement(in, sql).into(number).next();
    return number;
  });
  REQUIRE(answer.has_value());
  return *answer;
}

std::string hash_of(char digit) { return std::string(64, digit); }

}  // namespace

TEST_CASE("catalog: a new file is for its owner alone, whatever its name") {
  const Folder folder;
  REQUIRE(open_catalog(folder.location("/new \"folder's/below")).has_value() ==
          false);  // SOCI cannot quote it
  REQUIRE(open_catalog(folder.location("/it's new/below")).has_value());
  CHECK(mode_of(folder.path + "/it's new") == 0700);
  CHECK(mode_of(folder.path + "/it's new/below/catalog.sqlite") == 0600);
  const auto nowhere = open_catalog({"sqlite:/proc/nowhere/x.sqlite", {}, {}});
  REQUIRE(!nowhere);
  CHECK(nowhere.error().text == "/proc/nowhere/x.sqlite: no such file or directory");
}

TEST_CASE("catalog: what --db may say") {
  const auto text = [](const char* url) { return read_url(url, "/f", "p'w\\"); };
  CHECK(text("")->connect == "db=\"/f\" timeout=10");
  CHECK(text("sqlite:///a b/c")->connect == "db=\"/a b/c\" timeout=10");
  CHECK(text("postgresql://me%40x@[fd00::1]:5433/cat?sslmode=verify-full")->connect ==
        "host='fd00::1' dbname='cat' port='5433' user='me@x' password='p\\'w\\\\' connect_timeout=5 "
        "options='-c client_min_messages=warning -c statement_timeout=30000' sslmode='verify-full' ");
  CHECK(text("mysql://db.example/cat")->engine == Engine::mysql);
  for (const char* url : {"mysql://me:secret@h/d", "postgresql://me@h/d?password=secret", "postgresql:///d",
                          "mysql://h", "oracle://h/d", "sqlite:", "catalog.db"}) {
    INFO(url);
    REQUIRE(!text(url));
    CHECK(text(url).error().exit == base::Exit::usage);
    CHECK(text(url).error().line().find("secret") == std::string::npos);
  }
}

TEST_CASE("catalog: two processes migrate at once") {
  const Folder folder;
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      const auto db = open_catalog(folder.location());
      const auto added =
          db ? Users(*db).add("a" + std::to_string(i) + "@x", "hash") : DbResult<std::optional<Account>>();
      ::_exit(db && added && *added ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = -1;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
  }
  const auto db = open_catalog(folder.location());
  REQUIRE(db.has_value());
  CHECK(ask(**db, "select count(*) from users") == 4);
  CHECK(ask(**db, "select count(*) from schema_migrations") == 1);
}

TEST_CASE("catalog: a newer schema is refused and stays as it is") {
  const Folder folder;
  {
    const auto db = open_catalog(folder.location());
    REQUIRE(db.has_value());
    run(**db, "insert into schema_migrations (number, name, applied) values (99, 'of tomorrow', 1)");
  }
  const auto db = open_catalog(folder.location());
  REQUIRE(!db);
  CHECK(db.error().line() == "catalog: its version 99 is newer than this program's 1 (update wireline)");
}

TEST_CASE("catalog: steps that ran without their number are run again") {
  const Folder folder;
  {
    const auto db = open_catalog(folder.location());
    REQUIRE(db.has_value());
    REQUIRE(Users(*db).add("kept@x", "hash").has_value());
    run(**db, "delete from schema_migrations");
    run(**db, "drop table invitations");
    run(**db, "drop index tokens_user");
  }
  Users users = users_of(folder.location());
  CHECK(users.find("kept@x")->has_value());
  CHECK(*users.add_code(hash_of('c'), false, base::wall_clock_ns() + base::kSecond));
}

TEST_CASE("catalog: a statement that fails takes back those before it, and tells no value") {
  const Folder folder;
  const auto db = open_catalog(folder.location());
  REQUIRE(db.has_value());
  const std::string secret = "geheim";
  const auto done = (*db)->transaction([&](Db& in) {
    Statement(in, "insert into invitations values (:hash, 0, 1)").bind(secret).run();
    return Statement(in, "insert into invitations values (:hash, 0, 1)").bind(secret).run();
  });
  REQUIRE(!done);
  CHECK(done.error().duplicate);
  CHECK(done.error().line().find(secret) == std::string::npos);
  CHECK(ask(**db, "select count(*) from invitations") == 0);
  const auto wrong = (*db)->transaction([&](Db& in) { return Statement(in, "selct 1").run(); });
  REQUIRE(!wrong);
  CHECK(!wrong.error().duplicate);
  CHECK(ask(**db, "select cast(null as bigint)") == 0);
}

TEST_CASE("catalog: users") {
  const Folder folder;
  Users users = users_of(folder.location());
  CHECK(*users.none());
  const auto ada = users.add("ada@x", "one");
  REQUIRE((ada && *ada));
  CHECK((*ada)->id.size() == 32);
  const auto again = users.add("ada@x", "two");
  REQUIRE(!again);
  CHECK(again.error().duplicate);
  REQUIRE(users.add("Bob'; drop table users --@x", "three").has_value());
  CHECK(users.list()->size() == 2);
  CHECK(users.find("ada@x")->value().password == "one");
  CHECK(!users.find("nobody@x")->has_value());
  CHECK(!*users.none());
  CHECK(*users.set_password("ada@x", "four"));
  CHECK(users.find("ada@x")->value().password == "four");
  CHECK(!*users.set_password("nobody@x", "four"));
  CHECK(!*users.set_disabled("nobody@x", true));
  CHECK(*users.set_disabled("ada@x", true));
  CHECK(*users.set_disabled("ada@x", true));
  CHECK(users.find("ada@x")->value().disabled == 1);
}

TEST_CASE("catalog: tokens end by time, by hand, and with their user") {
  const Folder folder;
  Users users = users_of(folder.location());
  const auto ada = **users.add("ada@x", "one");
  const int64_t now = base::wall_clock_ns();
  const int64_t later = now + 60 * base::kSecond;
  REQUIRE(*users.add_token({hash_of('1'), ada.id, {}, "login", now, later}));
  REQUIRE(*users.add_token({hash_of('2'), ada.id, {}, "cron", now, later}));
  CHECK(users.holder(hash_of('1'))->value().email == "ada@x");
  CHECK(users.tokens()->at(0).last_used >= now);
  CHECK(users.tokens()->at(1).last_used == 0);
  CHECK(!users.holder(hash_of('3'))->has_value());

  REQUIRE(*users.set_disabled("ada@x", true));
  CHECK(!users.holder(hash_of('1'))->has_value());
  REQUIRE(*users.set_disabled("ada@x", false));
  CHECK(users.holder(hash_of('1'))->has_value());

  REQUIRE(*users.set_password("ada@x", "two"));  // ends what was logged in, not the cron job's
  CHECK(!users.holder(hash_of('1'))->has_value());
  CHECK(users.holder(hash_of('2'))->has_value());
  CHECK(*users.revoke(std::string(16, '2')));
  CHECK(!*users.revoke(std::string(16, '2')));
  CHECK(!users.holder(hash_of('2'))->has_value());

  REQUIRE(*users.add_token({hash_of('4'), ada.id, {}, "old", now, now - 1}));
  CHECK(!users.holder(hash_of('4'))->has_value());
  REQUIRE(*users.add_token({hash_of('5'), ada.id, {}, "new", now, later}));
  CHECK(users.tokens()->size() == 1);  // the old one was forgotten
  CHECK(!users.add_token({hash_of('6'), "nobody", {}, "x", now, later}).has_value());
}

TEST_CASE("catalog: a code makes one user; the first user's code dies with the first user") {
  const Folder folder;
  Users users = users_of(folder.location());
  const int64_t later = base::wall_clock_ns() + 60 * base::kSecond;
  REQUIRE(*users.add_code(hash_of('a'), true, later));
  REQUIRE(*users.add_code(hash_of('b'), true, later));
  REQUIRE(*users.add_code(hash_of('c'), false, later));
  CHECK(!users.add("x@x", "h", hash_of('9'))->has_value());
  CHECK(users.add("first@x", "h", hash_of('a'))->has_value());
  CHECK(!users.add("second@x", "h", hash_of('a'))->has_value());
  CHECK(!users.add("second@x", "h", hash_of('b'))->has_value());
  CHECK(users.add("first@x", "h", hash_of('c')).error().duplicate);  // which leaves the code as it was
  CHECK(users.add("guest@x", "h", hash_of('c'))->has_value());
  CHECK(!users.add("other@x", "h", hash_of('c'))->has_value());
  REQUIRE(*users.add_code(hash_of('d'), false, base::wall_clock_ns() - 1));
  CHECK(!users.add("late@x", "h", hash_of('d'))->has_value());
  CHECK(users.list()->size() == 2);
}
