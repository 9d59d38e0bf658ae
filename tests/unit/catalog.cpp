// The catalog on SQLite: migrations from nothing, by two processes at once, from torn states, from the
// future; users, tokens and codes.
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libcommon/base/time.h"
#include "libcommon/catalog/rows.h"
#include "libcommon/catalog/users.h"
#include "tests/support/catalog_folder.h"

using namespace wl;
using namespace wl::catalog;
using test::ask;
using test::Folder;
using test::run;

namespace {

unsigned mode_of(const std::string& path) {
  struct stat found{};
  return ::stat(path.c_str(), &found) == 0 ? found.st_mode & 0777U : 0;
}

Users users_of(const Location& location) {
  auto db = open_catalog(location);
  REQUIRE(db.has_value());
  return Users(*db);
}

std::string hash_of(char digit) { return std::string(64, digit); }

}  // namespace

TEST_CASE("catalog file: a new one is for its owner alone, whatever its name") {
  const Folder folder;
  CHECK(!open_catalog({{}, folder.path + "/new\"/below", {}}).has_value());  // SOCI cannot quote it
  REQUIRE(open_catalog({{}, folder.path + "/it's new/below", {}}).has_value());
  CHECK(mode_of(folder.path + "/it's new") == 0700);
  CHECK(mode_of(folder.path + "/it's new/below/catalog.sqlite") == 0600);
  const auto nowhere = open_catalog({"sqlite:/proc/nowhere/x.sqlite", {}, {}});
  REQUIRE(!nowhere);
  CHECK(nowhere.error().text == "/proc/nowhere/x.sqlite: no such file or directory");
}

TEST_CASE("catalog url: what --db may say") {
  const auto text = [](const char* url) { return read_url(url, "p'w\\"); };
  CHECK(text("sqlite:/f")->connect == "db=\"/f\" timeout=10");
  CHECK(text("sqlite:///a b/c")->connect == "db=\"/a b/c\" timeout=10");
  CHECK(text("postgresql://me%40x@[fd00::1]:5433/cat?sslmode=verify-full")->connect ==
        "postgresql://me%40x@[fd00::1]:5433/cat?sslmode=verify-full&connect_timeout=5&password=%70%27%77%5c");
  CHECK(text("mysql://me%zz@db.example/cat%4")->connect.find('\0') == std::string::npos);  // no escapes
  CHECK(text("mysql://me%40x@db.example:3307/cat?sslca=/a%20b")->connect ==
        "charset=utf8mb4 connect_timeout=5 read_timeout=30 write_timeout=30 user='me@x'"
        " password='p\\'w\\\\' host='db.example' port='3307' db='cat' sslca='/a b'");
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
      const auto added = db ? Users(*db).add("a" + std::to_string(i) + "@x", "hash")
                            : base::Result<std::optional<Account>>();
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
  CHECK(ask(**db, "select count(*) from schema_migrations") == kCatalogVersion);
}

TEST_CASE("catalog: a newer schema is refused and stays as it is") {
  const Folder folder;
  {
    const auto db = open_catalog(folder.location());
    REQUIRE(db.has_value());
    run(**db, "insert into schema_migrations (number, applied) values (99, 1)");
  }
  const auto db = open_catalog(folder.location());
  REQUIRE(!db);
  CHECK(db.error().line() == "catalog: its version 99 is newer than this program's " +
                                 std::to_string(kCatalogVersion) + " (update wireline)");
}

TEST_CASE("catalog: steps that ran without their number are run again") {
  const Folder folder;
  {
    const auto db = open_catalog(folder.location());
    REQUIRE(db.has_value());
    REQUIRE(Users(*db).add("kept@x", "hash").has_value());
    run(**db, "delete from schema_migrations");
    run(**db, "drop table invitations");
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
  const auto done = (*db)->transaction([&](soci::session& in) {
    catalog::run(in, "insert into invitations values (:hash, 0, 1)", secret);
    return catalog::run(in, "insert into invitations values (:hash, 0, 1)", secret);
  });
  REQUIRE(!done);
  CHECK(done.error().exit == base::Exit::no);
  CHECK(done.error().line().find(secret) == std::string::npos);
  CHECK(ask(**db, "select count(*) from invitations") == 0);
  const auto wrong = (*db)->transaction([](soci::session& in) { return catalog::run(in, "selct 1"); });
  REQUIRE(!wrong);
  CHECK(wrong.error().exit == base::Exit::failed);
  CHECK(ask(**db, "select max(number) from schema_migrations where number < 0") == 0);
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
  CHECK(again.error().exit == base::Exit::no);
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
  REQUIRE(*users.add_token({hash_of('2'), ada.id, {}, "cron", now + 1, later}));
  CHECK(users.holder(hash_of('1'))->value().email == "ada@x");
  CHECK(users.tokens()->at(0).name == "login");
  CHECK(users.tokens()->at(1).email == "ada@x");
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
  CHECK(users.add("first@x", "h", hash_of('c')).error().exit ==
        base::Exit::no);  // which leaves the code as it was
  CHECK(users.add("guest@x", "h", hash_of('c'))->has_value());
  CHECK(!users.add("other@x", "h", hash_of('c'))->has_value());
  REQUIRE(*users.add_code(hash_of('d'), false, base::wall_clock_ns() - 1));
  CHECK(!users.add("late@x", "h", hash_of('d'))->has_value());
  CHECK(users.list()->size() == 2);
}

TEST_CASE("catalog: a connection that the server ended is made anew") {
  const Folder folder;
  const auto one = open_catalog(folder.location());
  const auto other = open_catalog(folder.location());
  REQUIRE((one && other));
  if (folder.server.starts_with("postgresql:")) {
    const int64_t id = ask(**one, "select pg_backend_pid()");
    run(**other, "select pg_terminate_backend(" + std::to_string(id) + ")");
  } else if (folder.server.starts_with("mysql:")) {
    const int64_t id = ask(**one, "select connection_id()");
    run(**other, "kill " + std::to_string(id));
  }
  CHECK(ask(**one, "select count(*) from users") == 0);
}

TEST_CASE("catalog: who reads does not wait for who writes") {
  const Folder folder;
  Users reader = users_of(folder.location());
  const auto writer = open_catalog(folder.location());
  REQUIRE(writer.has_value());
  const auto done = (*writer)->transaction([&](soci::session& in) {
    catalog::run(in, "insert into invitations (hash, only_first, expires) values ('x', 0, 1)");
    const int64_t start = base::steady_clock_ns();
    CHECK(*reader.none());
    CHECK(!reader.holder(hash_of('1'))->has_value());
    return base::steady_clock_ns() - start;
  });
  REQUIRE(done.has_value());
  CHECK(*done < 2 * base::kSecond);  // SQLite would wait for ten
}

TEST_CASE("catalog: threads share a connection") {
  const Folder folder;
  Users users = users_of(folder.location());
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&users, i] {
      for (int j = 0; j < 10; ++j) (void)users.add(std::to_string(i * 10 + j) + "@x", "hash");
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(users.list()->size() == 40);
}
