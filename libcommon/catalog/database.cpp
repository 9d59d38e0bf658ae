#include "libcommon/catalog/database.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <mutex>
#include <thread>

#include <fcntl.h>
#include <soci/soci.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libcommon/base/fd.h"
#include "libcommon/catalog/url.h"

extern "C" {  // declared here, so that no header of a client library is needed
soci::backend_factory const* factory_sqlite3();
soci::backend_factory const* factory_postgresql();
soci::backend_factory const* factory_mysql();
}

namespace wl::catalog {
namespace {

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string default_file(const Location& location) {
  std::string folder = location.store;
  if (folder.empty() && ::geteuid() == 0 && environment("XDG_DATA_HOME").empty())
    folder = "/var/lib/wireline";
  if (folder.empty() && !environment("XDG_DATA_HOME").empty())
    folder = environment("XDG_DATA_HOME") + "/wireline";
  if (folder.empty()) folder = environment("HOME") + "/.local/share/wireline";
  return folder + "/catalog.sqlite";
}

/// Creates the file, and the directories above it that are missing, for their owner alone.
base::Result<void> prepare_file(const std::string& path) {
  const auto failed = [&path] {
    return base::fail(path + ": " + base::errno_text(errno), "--store or --db");
  };
  for (size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    if (::mkdir(path.substr(0, slash).c_str(), 0700) != 0 && errno != EEXIST) return failed();
  }
  const base::Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600));
  if (!file) return failed();
  return {};
}

base::Result<std::string> password_of(const Location& location) {
  if (location.password_file.empty()) return environment("WIRELINE_DB_PASSWORD");
  std::string line;
  std::ifstream file(location.password_file);
  if (!std::getline(file, line)) return base::fail(location.password_file + ": no password in it");
  return line;
}

/// What SOCI says, in one line, without its context: that has the bound values.
DbError as_error(const std::string& subject, const soci::soci_error& error) {
  const std::string message = error.get_error_message();
  const auto says = [&message](const char* text) { return message.find(text) != std::string::npos; };
  if (error.get_error_category() == soci::soci_error::constraint_violation ||
      says("UNIQUE constraint failed") || says("Duplicate entry"))
    return {{subject + ": what must be unique is there already"}, true};
  std::string line = message;
  if (const size_t detail = line.find("\nDETAIL"); detail != std::string::npos) line.resize(detail);
  for (char& c : line) c = c == '\n' || c == '\t' ? ' ' : c;
  return {{subject + ": " + line}, false};
}

}  // namespace

struct Db::State {
  Target target;
  std::mutex busy{};
  soci::session session{};

  void connect() {
    session.close();
    switch (target.engine) {
      case Engine::sqlite:
        session.open(*factory_sqlite3(), target.connect);
        session << "pragma busy_timeout = 10000";
        session << "pragma foreign_keys = on";
        use_wal();
        break;
      case Engine::postgresql: session.open(*factory_postgresql(), target.connect); break;
      case Engine::mysql:
        session.open(*factory_mysql(), target.connect);
        session << "set session sql_mode = 'TRADITIONAL', lc_messages = 'en_US'";
        break;
    }
  }

  /// Of two who do this to a new file at once, SQLite lets one fail in place of wait.
  void use_wal() {
    for (int tries = 500;; --tries) {
      try {
        session << "pragma journal_mode = wal";
        return;
      } catch (const soci::soci_error&) {
        if (tries == 0) throw;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
    }
  }

  void begin(bool writes) {
    session << (target.engine == Engine::sqlite && writes ? "begin immediate" : "begin");
  }
};

Db::Db(std::unique_ptr<State> state) : state_(std::move(state)) {}
Db::~Db() = default;
Engine Db::engine() const { return state_->target.engine; }

base::Result<std::unique_ptr<Db>> Db::open(const Location& location) {
  const auto password = password_of(location);
  if (!password) return std::unexpected(password.error());
  auto target = read_url(location.db, default_file(location), *password);
  if (!target) return std::unexpected(target.error());
  if (target->engine == Engine::sqlite) {
    if (const auto ready = prepare_file(target->shown); !ready) return std::unexpected(ready.error());
  }
  auto state = std::make_unique<State>(std::move(*target));
  try {
    state->connect();
  } catch (const soci::soci_error& error) {
    return std::unexpected(as_error(state->target.shown, error));
  }
  return std::unique_ptr<Db>(new Db(std::move(state)));
}

DbResult<void> Db::run_all(const std::function<void(Db&)>& work, bool writes) {
  const std::lock_guard lock(state_->busy);
  auto& session = state_->session;
  try {
    try {
      state_->begin(writes);
    } catch (const soci::soci_error&) {  // nothing was done yet: a server that came back is asked again
      if (engine() == Engine::sqlite) throw;
      state_->connect();
      state_->begin(writes);
    }
    try {
      work(*this);
      session << "commit";
    } catch (...) {
      try {
        session << "rollback";
        // NOLINTNEXTLINE(bugprone-empty-catch)
      } catch (const soci::soci_error&) {  // the first failure is the one to tell
      }
      throw;
    }
  } catch (const soci::soci_error& error) {
    return std::unexpected(as_error(state_->target.shown, error));
  }
  return {};
}

struct Statement::State {
  struct Number {
    long long value;
    int64_t* target;
    soci::indicator indicator;
  };
  struct Text {
    std::string* target;
    soci::indicator indicator;
  };
  std::string sql;
  std::deque<std::string> texts{};  // deques: what is bound by address stays where it is
  std::deque<Number> numbers{};
  std::deque<Text> read{};
  bool running = false;
  soci::statement statement;

  bool start(bool exchange) {
    running = true;
    statement.alloc();
    statement.prepare(sql);
    statement.define_and_bind();
    return statement.execute(exchange);
  }
};

Statement::Statement(Db& db, std::string_view sql)
    : state_(new State{.sql = std::string(sql), .statement = soci::statement(db.state_->session)}) {}
Statement::~Statement() = default;

Statement& Statement::bind(std::string_view text) {
  state_->statement.exchange(soci::use(std::as_const(state_->texts.emplace_back(text))));
  return *this;
}

Statement& Statement::bind(int64_t number) {
  auto& slot = state_->numbers.emplace_back(State::Number{number, nullptr, soci::i_ok});
  state_->statement.exchange(soci::use(std::as_const(slot.value)));
  return *this;
}

Statement& Statement::into(std::string& text) {
  auto& slot = state_->read.emplace_back(State::Text{&text, soci::i_ok});
  state_->statement.exchange(soci::into(text, slot.indicator));
  return *this;
}

Statement& Statement::into(int64_t& number) {
  auto& slot = state_->numbers.emplace_back(State::Number{0, &number, soci::i_ok});
  state_->statement.exchange(soci::into(slot.value, slot.indicator));
  return *this;
}

bool Statement::next() {
  if (!state_->running) state_->start(false);
  if (!state_->statement.fetch()) return false;
  for (const auto& number : state_->numbers) {
    if (number.target != nullptr) *number.target = number.indicator == soci::i_null ? 0 : number.value;
  }
  for (const auto& text : state_->read) {
    if (text.indicator == soci::i_null) text.target->clear();
  }
  return true;
}

int64_t Statement::run() {
  state_->start(true);
  return state_->statement.get_affected_rows();
}

std::string new_id() {
  std::array<unsigned char, 16> bytes{};
  if (::getentropy(bytes.data(), bytes.size()) != 0) std::abort();  // cannot happen for so few bytes
  std::string text;
  for (const unsigned char byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

}  // namespace wl::catalog
