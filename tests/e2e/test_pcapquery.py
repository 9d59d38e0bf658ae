#!/usr/bin/python3
"""pcapquery on a store and beside it: how captures are named, what owners see, time spans, SQL, and serving."""

import gzip
import json
import signal
import subprocess
import time

import captures
import harness

DATA = harness.ROOT / "tests" / "data"


class Pcapquery(harness.TestCase):
    def setUp(self):
        self.store = self.temp_dir() / "store"

    def add(self, name, owner="local"):
        (record,) = self.run_tool("pcapingest", "add", "--store", self.store, "--owner", owner, "-q", DATA / name).records
        return record["file_id"]

    def ask(self, *words, **options):
        return self.run_tool("pcapquery", *words, "--store", self.store, **options)

    def records(self, *words, **options):
        result = self.ask(*words, **options)
        self.assert_clean(result)
        return result.records

    def test_captures_are_named(self):
        file_id = self.add("mixed.pcap")
        whole = self.records("conversations", DATA / "mixed.pcap")
        for name in (file_id, file_id[:6], "mixed.pcap"):
            self.assertEqual(self.records("conversations", name), whole)
        self.assertEqual(self.records("conversations"), whole)
        self.assert_fails(self.ask("conversations", file_id[:3]), "no such capture", 3)
        self.assert_fails(self.ask("conversations", "/nonexistent/a.pcap"), "no such capture", 3)
        self.assert_fails(self.ask("flows", "--project", "none"), "none: there is no such project", 3)
        self.assert_fails(self.ask("flows", "a", "--project", "b"), "exclude each other", 2)
        self.assert_fails(self.run_tool("pcapquery", "files", "--store", self.temp_dir()), "there is no store yet", 3)
        other = self.temp_dir() / "other.sqlite"
        self.assert_fails(self.ask("files", "--db", f"sqlite:{other}"), "there is no store yet", 3)
        self.assertFalse(other.exists())
        other.write_bytes(b"no database" * 100)
        self.assert_fails(self.ask("files", "--db", f"sqlite:{other}"), "other.sqlite: file is not a database")

    def test_a_name_that_means_several(self):
        folder = self.temp_dir()
        for number, name in enumerate(("mixed.pcap", "cut.pcap")):
            (folder / str(number)).mkdir()
            (folder / str(number) / "same.pcap").write_bytes((DATA / name).read_bytes())
            self.run_tool("pcapingest", "add", "--store", self.store, "-q", folder / str(number) / "same.pcap")
        self.assert_fails(self.ask("flows", "same.pcap"), "same.pcap: means several captures: [0-9a-f]{32} same.pcap, ", 2)

    def test_a_table_of_many_captures_stays_readable(self):
        ids = [self.add(name) for name in ("mixed.pcap", "cut.pcap", "burst.pcap", "tunnels.pcap", "none.pcap")]
        first = self.ask("analyze", "-t").out.decode().splitlines()[1]
        self.assertRegex(first, r"^([0-9a-f]{32},){3}… \(5\) ")
        (analysis,) = self.records("analyze")
        self.assertEqual(sorted(analysis["file_ids"]), sorted(ids))

    def test_owners_see_what_is_theirs(self):
        mine, yours = self.add("mixed.pcap", "me"), self.add("tunnels.pcap", "you")
        self.assertEqual([record["file_id"] for record in self.records("files", "--owner", "me")], [mine])
        self.assert_fails(self.ask("flows", yours, "--owner", "me"), "no such capture", 3)
        self.assertEqual({record["owner"] for record in self.records("files")}, {"me", "you"})
        rows = self.records("sql", "SELECT DISTINCT file_id FROM packets", "--owner", "me")
        self.assertEqual(rows, [{"type": "row", "file_id": mine}])
        parts = next(self.store.glob(f"parts/*/file_id={yours}/*/packets-000.parquet"))
        self.assert_fails(self.ask("sql", f"SELECT * FROM read_parquet('{parts}')", "--owner", "me"), "Permission Error", 2)

    def test_spans_leave_what_is_in_them(self):
        packets = [(record["ts"], record["len"]) for record in self.records("packets", DATA / "mixed.pcap")]
        since, until = packets[5][0], packets[12][0]
        inside = [length for ts, length in packets if since <= ts < until]
        span = (DATA / "mixed.pcap", "--since", since, "--until", until)
        (analysis,) = self.records("analyze", *span)
        self.assertEqual((analysis["packets"], analysis["bytes"]), (len(inside), sum(inside)))
        for verb in ("flows", "timeline"):
            found = self.records(verb, *span)
            self.assertEqual((sum(r["packets"] for r in found), sum(r["bytes"] for r in found)), (len(inside), sum(inside)))
        self.assertEqual(len(self.records("packets", *span)), len(inside))
        self.assertEqual(self.records("conversations", DATA / "mixed.pcap", "--since", "2030-01-01"), [])

    def test_a_capture_that_is_cut(self):
        path = self.temp_dir() / "cut.pcap"
        path.write_bytes((DATA / "mixed.pcap").read_bytes()[:1000])
        result = self.ask("analyze", path)
        self.assert_fails(result, "cut.pcap: ")
        self.assertGreater(result.records[0]["packets"], 5)

    def test_nothing_is_left_behind(self):
        folder = self.temp_dir()
        self.run_tool("pcapquery", "flows", DATA / "mixed.pcap", env={"TMPDIR": str(folder)})
        query = self.start_tool("pcapquery", "sql", "SELECT count(*) FROM range(100000000000) a, range(1000) b", DATA / "mixed.pcap",
                                env={"TMPDIR": str(folder)})
        self.wait_for(lambda: any(folder.iterdir()))
        query.send_signal(signal.SIGINT)
        self.assertEqual(query.wait(60), -signal.SIGINT)
        self.assertEqual(list(folder.iterdir()), [])

    def test_sql_is_bounded(self):
        begin = time.monotonic()
        self.assert_fails(self.ask("sql", "--timeout", "1s", "SELECT count(*) FROM range(100000000000) a, range(1000) b", DATA / "mixed.pcap"),
                          "took longer than 1s")
        self.assertLess(time.monotonic() - begin, 20)
        self.assert_fails(self.ask("sql", "SELECT list(a.range::varchar) FROM range(100000000) a, range(1000) b", DATA / "mixed.pcap"),
                          "too much memory")
        if not harness.sanitized():  # what DuckDB works out before it begins it does not count
            for constant in ("repeat('x', 2000000000)", "len(range(200000000))"):
                self.assert_fails(self.ask("sql", f"SELECT {constant}", DATA / "mixed.pcap"), "too much memory")

    def test_sql_only_reads(self):
        target = self.temp_dir() / "out"
        for statement in ("INSERT INTO flows VALUES (1)", "CREATE TABLE x AS SELECT 1", "DROP VIEW packets", f"ATTACH '{target}'", "INSTALL httpfs",
                          "LOAD httpfs", f"COPY packets TO '{target}'", "SET threads = 9", "PRAGMA version", "PRAGMA table_info('packets')",
                          "SELECT 1; SELECT 2", "SELECT 1) q; DROP VIEW flows; SELECT * FROM (SELECT 1", "CALL pragma_version()", "BEGIN", "CHECKPOINT",
                          "FROM read_text('/etc/passwd')", "FROM read_csv('/etc/passwd')", "FROM '/etc/passwd'", "FROM glob('/etc/*')",
                          "FROM sniff_csv('/etc/passwd')", "FROM read_blob('/proc/self/environ')", f"EXPORT DATABASE '{target}'", "SELECT ?", "",
                          "SELECT 1 AS type"):
            with self.subTest(statement):
                self.assert_fails(self.ask("sql", statement, DATA / "mixed.pcap"), "pcapquery: ", 2)
        self.assertFalse(target.exists())

    def test_a_part_is_gone(self):
        mine, gone = self.add("mixed.pcap", "me"), self.add("several.pcapng", "me")
        whole = self.records("flows", mine)
        part = next(self.store.glob(f"parts/*/file_id={gone}/*/flows-000.parquet"))
        part.unlink()
        result = self.ask("flows")
        self.assertEqual((result.status, result.records), (1, whole))
        self.assertEqual(result.messages, [f"pcapquery: {part}: no such file or directory (pcapingest verify)"])
        self.assert_fails(self.ask("flows", gone), f"pcapquery: {part}: no such file or directory")
        self.assert_fails(self.ask("sql", "from flows", gone), f"pcapquery: {part}: no such file or directory")

    def serve(self, *requests):
        """The answers to requests, by id: records, status."""
        lines = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in requests)
        result = self.ask("serve", stdin=lines.encode())
        answers = {}
        for answer in result.records:
            records = answers.setdefault(answer["id"], [[], None])
            if "record" in answer:
                records[0].append(answer["record"])
            else:
                records[1] = answer["status"]
        return answers, result

    def test_requests_are_answered_for_their_owner(self):
        file_id = self.add("mixed.pcap", "me")
        answers, result = self.serve({"id": "1", "argv": ["conversations", file_id, "--limit=1"], "owner": "me"},
                                     {"id": "2", "argv": ["files"], "owner": "you"},
                                     {"id": "3", "argv": ["flows", file_id], "owner": "you"},
                                     {"id": "4", "argv": ["flows", str(DATA / "mixed.pcap")], "owner": "me"},
                                     {"id": "5", "argv": ["files", "--owner", "me"], "owner": "you"},
                                     {"id": "6", "argv": ["files", "--store", "/tmp"], "owner": "you"},
                                     {"id": "7", "argv": ["export", file_id, "-w", "/nonexistent/x"], "owner": "me"},
                                     {"id": "8", "argv": ["nothing"], "owner": "me"},
                                     {"id": "9", "argv": ["files"], "owner": ""},
                                     {"id": "10", "argv": ["serve"], "owner": "me"},
                                     {"id": "11", "argv": ["files"], "owner": None},
                                     *["no request"] * 12)
        self.assertEqual(answers["1"], [self.records("conversations", file_id, "-c", "1"), 0])
        self.assertEqual(answers["2"], [[], 0])
        statuses = {request: status for request, (_, status) in answers.items()}
        self.assertEqual(statuses, {"1": 0, "2": 0, "3": 3, "4": 3, "5": 2, "6": 2, "7": 2, "8": 2, "9": 2, "10": 2, "11": 2})
        ((error,), _) = answers["3"]
        self.assertEqual(error["type"], "error")
        self.assertIn("there is no such capture", error["message"])
        told = [f"pcapquery: stdin:{line}: expected a request" for line in range(12, 22)]
        self.assertEqual((result.status, result.messages), (1, [*told, "pcapquery: stdin: 12 lines were no request"]))

    def test_a_request_is_cancelled(self):
        self.add("mixed.pcap", "me")
        worker = self.start_tool("pcapquery", "serve", "--store", self.store, stdin=subprocess.PIPE)
        slow = {"id": "1", "argv": ["sql", "SELECT count(*) FROM range(100000000000) a, range(1000) b"], "owner": "me"}
        worker.stdin.write((json.dumps(slow) + "\n").encode())
        worker.stdin.flush()
        time.sleep(0.5)
        begin = time.monotonic()
        worker.stdin.write(b'{"id":"1","cancel":true}\n{"id":"2","argv":["files"],"owner":"me"}\n')
        worker.stdin.close()
        answers = [json.loads(line) for line in worker.stdout]
        self.assertLess(time.monotonic() - begin, 30)  # its own limit is a minute
        self.assertEqual([(answer["id"], answer.get("status")) for answer in answers], [("1", None), ("1", 1), ("2", None), ("2", 0)])


class Interrupted(harness.TestCase):
    """While it reads a capture that is in no store: soon, by the signal that came, and nothing is left over."""

    def stopped(self, content, *words):
        folder = self.temp_dir()
        path, temporary = folder / "long.pcap.gz", folder / "tmp"
        path.write_bytes(content)
        for number in (signal.SIGINT, signal.SIGTERM):
            temporary.mkdir()
            query = self.start_tool("pcapquery", words[0], path, *words[1:], env={"TMPDIR": str(temporary)})
            end = time.monotonic() + 30
            while sum(file.stat().st_size for file in temporary.glob("*/original")) < 20 << 20:
                self.assertLess(time.monotonic(), end)
                time.sleep(0.01)
            query.send_signal(number)
            began = time.monotonic()
            out, err = query.communicate(timeout=120)
            self.assertEqual((query.returncode, out, err), (-number, b"", b""))
            self.assertLess(time.monotonic() - began, 5)
            temporary.rmdir()  # is empty

    def test_among_packets(self):
        packets = captures.pcap([captures.Packet(captures.ethernet(captures.ipv4("10.0.0.1", "10.0.0.2", 17, captures.udp(1, 2))))])
        self.stopped(gzip.compress(packets[:24]) + gzip.compress(packets[24:] * 200_000, 1) * 200, "analyze")

    def test_behind_the_last(self):
        """A packet that is none ends the capture; what follows is read for its sum alone."""
        self.stopped(gzip.compress(captures.pcap([])) + gzip.compress(b"\xff" * (16 << 20), 1) * 2000, "flows", "-t")


if __name__ == "__main__":
    harness.main()
