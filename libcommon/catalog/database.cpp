#include "libcommon/catalog/database.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <fstream>
#include <regex>
#include <thread>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "libcommon/base/fd.h"
#include "libcommon/base/time.h"
#include "libcommon/catalog/rows.h"

extern "C" {  // declared here, so that no header of a client library is needed
soci::backend_factory const* factory_sqlite3();
soci::backend_factory const* factory_postgresql();
soci::backend_factory const* factory_mysql();
}

namespace wl::catalog {

namespace {

std::string decoded(std::string text) {
  for (size_t at = text.find('%'); at != std::string::npos; at = text.find('%', at + 1)) {
    unsigned byte = 0;
    const char* const digits = text.data() + at + 1;
    if (text.size() - at < 3 || std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2) continue;
    text.replace(at, 3, 1, static_cast<char>(byte));
  }
  return text;
}

// What is particular to each kind of database. Another kind is one more of these, and a line in read_url().

Target sqlite(const std::smatch& url, const std::string& /*password*/) {
  Target made{factory_sqlite3(), "db=\"" + url.str(1) + "\" timeout=10", url.str(1)};
  made.is_file = true;
  made.settings = {"pragma foreign_keys = on", "pragma journal_mode = wal"};
  return made;
}

Target postgresql(const std::smatch& url, const std::string& password) {
  std::ostringstream text;  // libpq takes URLs; SOCI takes the other form apart at each space
  text << url.str() << (url[5].matched ? '&' : '?') << "connect_timeout=5";
  if (!password.empty()) text << "&password=" << std::hex;
  for (const char c : password) text << '%' << (c >> 4 & 15) << (c & 15);
  Target made{factory_postgresql(), text.str(), url.str()};
  made.settings = {"set client_min_messages = warning", "set statement_timeout = 30000"};
  made.lock =
      "select 1 from (select pg_advisory_xact_lock(7310589)) as locked";  // until the transaction ends
  return made;
}

Target mysql(const std::smatch& url, const std::string& password) {
  // A server that hangs must not hold a thread for ever.
  std::string text = "charset=utf8mb4 connect_timeout=5 read_timeout=30 write_timeout=30";
  const auto add = [&text](const std::string& key, const std::string& value) {
    if (value.empty()) return;
    text += " " + key + "='" + std::regex_replace(value, std::regex(R"(['\\])"), R"(\$&)") + "'";
  };
  add("user", decoded(url.str(1)));
  add("password", password);
  add("host", decoded(url.str(2)));
  add("port", url.str(3));
  add("db", decoded(url.str(4)));
  std::istringstream settings(url.str(5));
  std::string key, value;
  while (std::getline(settings, key, '=') && std::getline(settings, value, '&')) add(key, decoded(value));
  Target made{factory_mysql(), text, url.str()};
  made.settings = {"set session sql_mode = 'TRADITIONAL', lc_messages = 'en_US'"};
  made.lock = "select get_lock('wireline_catalog', 25)";  // of the connection: each CREATE ends a transaction
  made.unlock = "select release_lock('wireline_catalog')";
  return made;
}

/// Behind each "create table": a comment to all but MariaDB.
constexpr const char* kTable = " /*! engine=innodb default charset=utf8mb4 collate=utf8mb4_bin */";
constexpr const char* kNumbers =
    "create table if not exists schema_migrations (number bigint primary key, applied bigint not null)";

/// SQL that all engines know; the first is number 1. Append only: what is here has run somewhere. Each can be
/// repeated, for MariaDB keeps one that a kill broke off behind it. By its usual collations "a" is "a ".
constexpr std::array kMigrations{
    "create table if not exists users (id varchar(32) primary key, email varchar(254) not null unique,"
    " password varchar(128) not null, created bigint not null, disabled smallint not null)",
    "create table if not exists tokens (hash varchar(64) primary key, id varchar(16) not null unique,"
    " user_id varchar(32) not null, name varchar(80) not null, created bigint not null,"
    " expires bigint not null, foreign key (user_id) references users (id) on delete cascade)",
    "create index if not exists tokens_user on tokens (user_id)",
    "create index if not exists tokens_expires on tokens (expires)",
    "create table if not exists invitations (hash varchar(64) primary key, only_first smallint not null,"
    " expires bigint not null)",
    "create table if not exists projects (id varchar(32) primary key,"
    " owner varchar(254) /*! collate utf8mb4_nopad_bin */ not null,"
    " name varchar(80) /*! collate utf8mb4_nopad_bin */ not null, created bigint not null, unique (owner, "
    "name))",
    "create table if not exists pcap_metadata (file_id varchar(32) primary key, sha256 varchar(64) not null,"
    " ingest varchar(16) not null, bytes bigint not null, packets bigint not null, data_bytes bigint not "
    "null,"
    " first_ns bigint not null, last_ns bigint not null, timed smallint not null, truncated smallint not "
    "null,"
    " links text not null, reference text not null, reference_ns bigint not null, stored_bytes bigint not "
    "null,"
    " created bigint not null, deleted bigint not null)",
    "create table if not exists pcap_project_map (project_id varchar(32) not null, file_id varchar(32) not "
    "null,"
    " primary key (project_id, file_id),"
    " foreign key (project_id) references projects (id) on delete cascade,"
    " foreign key (file_id) references pcap_metadata (file_id) on delete cascade)",
    "create index if not exists pcap_project_map_file on pcap_project_map (file_id)",
    "create table if not exists holdings (owner varchar(254) /*! collate utf8mb4_nopad_bin */ not null,"
    " file_id varchar(32) not null, name varchar(1020) /*! collate utf8mb4_nopad_bin */ not null,"
    " added bigint not null, primary key (owner, file_id),"
    " foreign key (file_id) references pcap_metadata (file_id))",
    "create index if not exists holdings_file on holdings (file_id)",
    "create table if not exists stores (id varchar(32) primary key)",
    "create table if not exists watched_files (path varchar(64) primary key, bytes bigint not null,"
    " modified bigint not null)"};
static_assert(std::ssize(kMigrations) == kCatalogVersion);
constexpr const char* kVersion = "select max(number) from schema_migrations";

/// The version that it found where that is newer than ours, else ours; 0: another one works for too long.
int64_t bring_up(soci::session& sql, const Target& target) {
  if (number(sql, target.lock) != 1) return 0;
  const auto step = [&sql](const std::string& text) {
    run(sql, text + (text.starts_with("create table") ? kTable : ""));
  };
  step(kNumbers);
  int64_t version = number(sql, kVersion);
  while (version < std::ssize(kMigrations)) {
    step(kMigrations.at(static_cast<size_t>(version++)));
    run(sql, "insert into schema_migrations values (:number, :now)", version, base::wall_clock_ns());
  }
  number(sql, target.unlock);
  return version;
}

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// Creates the file, and the directories above it that are missing, for their owner alone.
base::Result<void> prepare_file(const std::string& path) {
  int failure = 0;
  for (size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1))
    if (failure == 0 && ::mkdir(path.substr(0, slash).c_str(), 0700) != 0 && errno != EEXIST) failure = errno;
  const base::Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600));
  if (file) return {};
  return base::fail(path + ": " + base::errno_text(failure != 0 ? failure : errno), "--store or --db");
}

/// What SOCI says, in one line, without its context: that has the bound values.
std::unexpected<base::Error> failure(const Target& target, const soci::soci_error& error) {
  const std::string all =
      std::regex_replace(error.get_error_message(), std::regex("^sqlite3_\\w+::\\w+: "), "");
  if (error.get_error_category() == soci::soci_error::constraint_violation ||
      std::regex_search(all, std::regex("UNIQUE constraint failed|Duplicate entry")))
    return base::fail(target.shown + ": what must be unique is there already", {}, base::Exit::no);
  return base::fail(target.shown + ": " +
                    std::regex_replace(all.substr(0, all.find("\nDETAIL")), std::regex("\\s+"), " "));
}

std::shared_ptr<soci::session> connect(const Target& target) {
  for (const int64_t start = base::steady_clock_ns();;) {
    try {
      auto session = std::make_shared<soci::session>(*target.factory, target.connect);
      for (const std::string& setting : target.settings) *session << setting;
      return session;
    } catch (const soci::soci_error& error) {
      // Of two who make a file at once, SQLite lets one fail in place of wait.
      const bool is_busy = error.get_error_message().find("is locked") != std::string::npos;
      if (!is_busy || base::steady_clock_ns() - start > 10 * base::kSecond) throw;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
}

}  // namespace

base::Result<Target> read_url(const std::string& url, const std::string& password) {
  // User, host, port, database, settings.
  const std::string server = R"(://(?:([^@/ ]*)@)?([^@/ ]+?)(?::(\d+))?/([^? ]+)(?:\?([^ ]+))?)";
  using Kind = std::pair<std::string, Target (*)(const std::smatch& url, const std::string& password)>;
  for (const auto& [form, kind] :
       {Kind{R"(sqlite:(?://)?([^"]+))", sqlite}, Kind{"(?:postgresql|postgres)" + server, postgresql},
        Kind{"(?:mysql|mariadb)" + server, mysql}}) {
    std::smatch parts;
    if (!std::regex_match(url, parts, std::regex(form))) continue;
    const std::string user = parts.size() > 2 ? parts.str(1) : "";
    if (user.find(':') != std::string::npos || parts.str(5).find("pass") != std::string::npos)
      return base::fail("--db: a password in the URL can be seen by others",
                        "put it into WIRELINE_DB_PASSWORD or a file for --db-password-file",
                        base::Exit::usage);
    return kind(parts, password);
  }
  return base::fail("--db: \"" + url.substr(0, url.find(':')) + "\" is no kind of database, or names none",
                    "sqlite:FILE, postgresql://user@host/name, mysql://user@host/name", base::Exit::usage);
}

base::Result<void> Db::run_all(const std::function<void(soci::session&)>& work, bool writes) {
  const std::lock_guard lock(busy_);
  // SQLite cannot make a reader a writer while another one writes.
  const char* const begin = writes && target_.is_file ? "begin immediate" : "begin";
  // It comes back when all went well. Else it goes, and with it what was not committed.
  std::shared_ptr<soci::session> session = std::move(session_);
  try {
    try {
      if (session) *session << begin;
    } catch (const soci::soci_error&) {  // nothing was done yet: a server that came back is asked again
      session.reset();
    }
    if (!session) *(session = connect(target_)) << begin;
    work(*session);
    *session << "commit";
  } catch (const soci::soci_error& error) {
    return failure(target_, error);
  }
  if (!target_.stands_still) session_ = std::move(session);
  return {};
}

std::string store_folder(const Location& location) {
  const std::string data = environment("XDG_DATA_HOME");
  if (!location.store.empty()) return location.store;
  if (!data.empty()) return data + "/wireline";
  if (::geteuid() == 0) return "/var/lib/wireline";
  return environment("HOME") + "/.local/share/wireline";
}

std::string catalog_file(const Location& location) {
  constexpr std::string_view kFile = "sqlite:";
  if (location.db.starts_with(kFile)) return location.db.substr(kFile.size());
  const bool usual = location.db.empty() || location.db == "sqlite";
  return usual ? store_folder(location) + "/catalog.sqlite" : "";
}

namespace {

base::Result<Target> target_of(const Location& location) {
  std::string password = environment("WIRELINE_DB_PASSWORD");
  std::ifstream file(location.password_file);
  if (!location.password_file.empty() && !std::getline(file, password))
    return base::fail(location.password_file + ": no password in it");
  const std::string usual = catalog_file(location);
  return read_url(usual.empty() ? location.db : "sqlite:" + usual, password);
}

/// On a file system that takes no more, or in a directory that we may not write, SQLite cannot even make the
/// files by which its readers and writers agree. Without a log beside it the file is complete.
bool stands_still(const std::string& path) {
  struct statvfs disk{};
  struct stat log{};
  if (::statvfs(path.c_str(), &disk) != 0 || ::access(path.c_str(), R_OK) != 0) return false;
  const bool has_log = ::stat((path + "-wal").c_str(), &log) == 0 && log.st_size != 0;
  constexpr uint64_t kLeast = uint64_t{64} << 10;  // what those files take, and a bit
  return !has_log && ((disk.f_flag & ST_RDONLY) != 0 || disk.f_bavail * disk.f_frsize < kLeast ||
                      ::access(path.c_str(), W_OK) != 0);
}

Target as_it_is(Target file) {
  std::string path;
  for (const char c : file.shown) {
    if (c != '%' && c != '?' && c != '#' && c != '"') {
      path += c;
    } else {
      path += {'%', "0123456789ABCDEF"[c >> 4], "0123456789ABCDEF"[c & 15]};
    }
  }
  file.connect = "db=\"file:" + path + "?immutable=1\"";
  file.settings.clear();
  file.stands_still = true;
  return file;
}

}  // namespace

base::Result<std::shared_ptr<Db>> open_catalog(const Location& location) {
  const auto target = target_of(location);
  if (!target) return std::unexpected(target.error());
  const auto ready = target->is_file ? prepare_file(target->shown) : base::Result<void>();
  if (!ready) return std::unexpected(ready.error());
  auto db = std::make_shared<Db>(*target);
  // That fails where there is no table yet.
  auto version = db->read([](soci::session& sql) { return number(sql, kVersion); });
  if (!version || *version < kCatalogVersion)
    version = db->transaction([&](soci::session& sql) { return bring_up(sql, *target); });
  if (!version) return std::unexpected(version.error());
  if (*version == 0) return base::fail("catalog: another program migrates it for too long", "try again");
  if (*version > kCatalogVersion)
    return base::fail("catalog: its version " + std::to_string(*version) + " is newer than this program's " +
                          std::to_string(kCatalogVersion),
                      "update wireline");
  return db;
}

base::Result<std::shared_ptr<Db>> open_catalog_to_read(const Location& location) {
  auto usual = open_catalog(location);
  const auto target = target_of(location);
  if (usual || !target || !target->is_file || !stands_still(target->shown)) return usual;
  auto db = std::make_shared<Db>(as_it_is(*target));
  const auto version = db->read([](soci::session& sql) { return number(sql, kVersion); });
  if (!version || *version != kCatalogVersion) return usual;
  return db;
}

}  // namespace wl::catalog
