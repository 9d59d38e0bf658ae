// duckdb_query SQL [THREADS]: runs one statement in an empty in-memory database and prints its rows,
// tab-separated.
#include <cstdio>
#include <string>

#include <duckdb.h>

namespace {

int fail(const char* reason) {
  std::fprintf(stderr, "duckdb_query: %s\n", reason);
  return 1;
}

bool execute(duckdb_connection connection, const char* sql) {
  duckdb_result result;
  const bool done = duckdb_query(connection, sql, &result) == DuckDBSuccess;
  if (!done) std::fprintf(stderr, "duckdb_query: %s\n", duckdb_result_error(&result));
  if (done) {
    for (idx_t row = 0; row < duckdb_row_count(&result); ++row) {
      for (idx_t column = 0; column < duckdb_column_count(&result); ++column) {
        char* text = duckdb_value_varchar(&result, column, row);
        std::printf("%s%s", column == 0 ? "" : "\t", text == nullptr ? "" : text);
        duckdb_free(text);
      }
      std::putchar('\n');
    }
  }
  duckdb_destroy_result(&result);
  return done;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return fail("usage: duckdb_query SQL [THREADS]");
  duckdb_database database = nullptr;
  duckdb_connection connection = nullptr;
  if (duckdb_open(nullptr, &database) != DuckDBSuccess) return fail("cannot open a database in memory");
  if (duckdb_connect(database, &connection) != DuckDBSuccess) return fail("cannot connect");
  const std::string threads = "SET threads=" + std::string(argc > 2 ? argv[2] : "1");
  const bool done = execute(connection, threads.c_str()) && execute(connection, argv[1]);
  duckdb_disconnect(&connection);
  duckdb_close(&database);
  return done ? 0 : 1;
}
