#include <array>

#include <CLI/CLI.hpp>

#include "libcommon/base/time.h"
#include "libcommon/cli/options.h"
#include "libcommon/store/data_limit.h"
#include "libcommon/store/user_sql.h"
#include "tools/pcapquery/query.h"
#include "tools/pcapquery/verb.h"

namespace wl::pcapquery {
namespace {

constexpr record::RecordType kType{"row", "a row of an answer to SQL: its columns are the keys", {}, true};
constexpr std::array<const record::RecordType*, 1> kTypes{&kType};

/// Beside what DuckDB counts: the value of a constant expression, and lists in it, it does not.
constexpr uint64_t kMostMemory = uint64_t{1} << 30;

class Sql final : public Verb {
 public:
  void declare(CLI::App& app, Selection&) override {
    app.add_option("question", sql_,
                   "a statement that reads packets, kinds, flows, events, timeline or interfaces")
        ->type_name("SELECT")
        ->required();
    cli::add_duration(app, "--timeout", timeout_ns_, "give up after this time");
  }

  base::Result<void> run(Query& query) override {
    if (const auto opened = query.open({.locked = true}); !opened) return opened;
    query.watch().limit(timeout_ns_);
    const store::DataLimit limit(kMostMemory);
    const auto rows =
        store::rows_as_json(query.reader().duck(), sql_, query.style().time, query.style().digits);
    if (!rows) return std::unexpected(explained(rows.error()));
    auto done =
        query.rows(*rows, {}, [&](const store::Rows& row) { return query.out().record(row.text(0)); });
    if (!done) return std::unexpected(explained(done.error()));
    return done;
  }

 private:
  static base::Error explained(base::Error error) {
    // Some functions try only when they run.
    if (error.text.starts_with("Permission Error")) error.exit = base::Exit::usage;
    if (error.text.find("Out of Memory Error") != std::string::npos)
      return {"sql: the question needs too much memory", "a smaller question needs less"};
    return error;
  }

  std::string sql_;
  int64_t timeout_ns_ = 60 * base::kSecond;
};

}  // namespace

extern const VerbInfo kSql;
const VerbInfo kSql{"sql", "any question, in DuckDB's SQL", Takes::captures, kTypes, make_verb<Sql>};

}  // namespace wl::pcapquery
