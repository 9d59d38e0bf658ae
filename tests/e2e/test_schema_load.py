"""Every golden record is loaded into DuckDB and ClickHouse with the tool's own --schema, and nothing is lost on the way.

(run.py holds the same records against --schema=json.) The databases are there after `make deps-bench` and
`make deps-clickhouse`; without them the test is skipped."""

import collections
import json
import re
import subprocess
import sys

import harness

GOLDEN = harness.ROOT / "tests" / "golden"
DUCKDB = harness.BIN.parent / "bench" / "duckdb_query"
CHDB = harness.ROOT / ".deps" / "clickhouse" / "lib" / "libchdb.so"
# clickhouse-local out of its library: the arguments are those of its command line.
CLICKHOUSE = """
import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
library.chdb_query_cmdline.restype = ctypes.c_void_p
for name, kind in (("buffer", ctypes.POINTER(ctypes.c_char)), ("length", ctypes.c_size_t), ("error", ctypes.c_char_p)):
    function = getattr(library, "chdb_result_" + name)
    function.restype, function.argtypes = kind, [ctypes.c_void_p]
words = [b"clickhouse", *map(str.encode, sys.argv[2:])]
result = library.chdb_query_cmdline(len(words), (ctypes.c_char_p * len(words))(*words))
error = library.chdb_result_error(result)
if error:
    sys.exit(error.decode(errors="replace"))
sys.stdout.buffer.write(library.chdb_result_buffer(result)[: library.chdb_result_length(result)])
"""


# Of each tool whose golden records are loaded: a column of numbers, one of text, one of times.
COLUMNS = {
    "netsniff": ("n", "src_ip", "ts"),
    "netwindow": ("packets", "client", "ts"),
    "pcapingest": ("stored_bytes", "name", "first"),
    "pcapquery": ("packets", "src_ip", "ts"),
}


class Load(harness.TestCase):
    def golden_records(self, tool):
        """The lines that the schema speaks of: times in their default form."""
        lines = []
        for case in sorted((GOLDEN / tool).glob("*/cmd")):
            folder = case.parent
            if (folder / "no_schema").exists() or re.search(r"--time[ =]epoch", case.read_text()):
                continue
            lines += [line for line in (folder / "stdout").read_bytes().splitlines() if line.startswith(b"{")]
        self.assertGreater(len(lines), 10)
        return lines

    def expected(self, lines, number, text, time):
        """What the database must say: records by type, those with the time, and two columns over all."""
        records = [json.loads(line) for line in lines]
        types = collections.Counter(record["type"] for record in records)
        with_time = sum(time in record for record in records)
        total = sum(record.get(number, 0) for record in records)
        joined = sum(len(record[text].encode()) for record in records if text in record)
        return "".join(f"{name}\t{count}\n" for name, count in sorted(types.items())) + f"{with_time}\t{total}\t{joined}\n"

    def question(self, table, number, text, time):
        return (f"SELECT type, count(*) FROM {table} GROUP BY type ORDER BY type",
                f"SELECT count({time}), coalesce(sum({number}), 0), coalesce(sum(LENGTH({text})), 0) FROM {table}")

    def test_duckdb(self):
        if not DUCKDB.exists():
            self.skipTest("no DuckDB (make deps-bench, then build)")
        for tool in COLUMNS:
            with self.subTest(tool):
                lines = self.golden_records(tool)
                path = self.temp_dir() / "records.ndjson"
                path.write_bytes(b"\n".join(lines) + b"\n")
                load = self.run_tool(tool, "--schema=duckdb").out.decode().strip().rstrip(";")
                self.assertIn(f"'{tool}.ndjson'", load)
                table = "(" + load.replace(f"'{tool}.ndjson'", f"'{path}'") + ")"
                number, text, time = COLUMNS[tool]
                out = ""
                for question in self.question(table, number, text, time):
                    done = subprocess.run([DUCKDB, question], capture_output=True, text=True, check=False)
                    self.assertEqual((done.returncode, done.stderr), (0, ""))
                    out += done.stdout
                self.assertEqual(out, self.expected(lines, number, text, time))

    def test_clickhouse(self):
        if not CHDB.exists():
            self.skipTest("no ClickHouse (make deps-clickhouse)")
        for tool in COLUMNS:
            with self.subTest(tool):
                lines = self.golden_records(tool)
                folder = self.temp_dir()
                (folder / "records.ndjson").write_bytes(b"\n".join(lines) + b"\n")
                number, text, time = COLUMNS[tool]
                questions = "; ".join(self.question(tool, number, text, time))
                create = self.run_tool(tool, "--schema=clickhouse").out.decode()
                insert = f"INSERT INTO {tool} FROM INFILE '{folder}/records.ndjson' FORMAT JSONEachRow"
                done = subprocess.run(
                    [sys.executable, "-c", CLICKHOUSE, CHDB, "--path", folder / "data", "--date_time_input_format=best_effort",
                     "--output-format", "TSV", "--query", f"{create} {insert}; {questions}"],
                    capture_output=True, text=True, timeout=120, check=False)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertEqual(done.stdout, self.expected(lines, number, text, time))


if __name__ == "__main__":
    harness.main()
