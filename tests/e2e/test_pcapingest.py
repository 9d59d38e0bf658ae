#!/usr/bin/python3
"""pcapingest: what goes in is there as it was; what is no capture is refused in a line; owners do not see each other."""

import gzip
import json
import os
import re
import shutil
import struct
import subprocess

import captures
import harness
import stores

DATA = harness.ROOT / "tests" / "data"
MIXED, SEVERAL = DATA / "mixed.pcap", DATA / "several.pcapng"
NOW = ("--grace", "0s")


def dns(number):
    return captures.Packet(captures.ethernet(captures.ipv4("10.0.0.7", "192.0.2.53", 17, captures.udp(4000 + number, 53, b"?"))))


class Records(stores.StoreCase):
    def test_file(self):
        self.assert_clean(self.ingest("project", "create", "one"))
        record, = self.add("--project", "one", MIXED)
        self.assertRegex(record.pop("imported"), r"^20\d\d-\d\d-\d\dT.*Z$")
        self.assertGreater(record.pop("stored_bytes"), MIXED.stat().st_size)
        digest = stores.sha256(MIXED)
        self.assertEqual(record, {
            "type": "file", "file_id": digest[:32], "name": "mixed.pcap", "bytes": MIXED.stat().st_size, "packets": 20,
            "first": "2023-11-14T22:13:20.000000Z", "last": "2023-11-14T22:13:21.900023Z", "duration_s": 1.900023,
            "links": ["ethernet"], "sha256": digest, "truncated": False, "already_present": False})
        self.assert_whole()
        again, = self.add(MIXED, "--name", "another name")
        self.assertEqual((again["already_present"], again["file_id"]), (True, digest[:32]))

    def test_several_links_and_bytes_kept(self):
        record, = self.add(SEVERAL)
        self.assertEqual(record["links"], ["ethernet", "raw_ip"])
        row, = stores.select(self.store, "select * from pcap_metadata")
        self.assertEqual(stores.original(self.store, row).read_bytes(), SEVERAL.read_bytes())

    def test_time_formats(self):
        self.assertEqual(self.add(MIXED, "--time", "epoch_ns")[0]["first"], "1700000000000000000")

    def test_all_tables_full_at_once(self):
        """Each packet is a row of packets, of kinds and of events: their parts end at the same packet."""
        count = 500_000
        frame = captures.ethernet(captures.ipv4("10.0.0.7", "192.0.2.53", 17, captures.udp(4000, 53, captures.dns(7, "example.com"))))
        records = (struct.pack("<IIII", 1700000000, number, len(frame), len(frame)) + frame[:8] + struct.pack(">I", number) + frame[12:]
                   for number in range(count))
        path = self.folder / "full.pcap"
        path.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + b"".join(records))
        self.add(path)
        row, = self.run_tool("pcapquery", "sql", "select (select count(*) from packets) as packets, (select count(*) from kinds) as kinds,"
                             " (select count(*) from events) as events, (select count(distinct eth_src) from kinds) as sources",
                             "--store", self.store).records
        self.assertEqual(row, {"type": "row", "packets": count, "kinds": count, "events": count, "sources": count})
        self.assert_clean(self.ingest("verify"))

    def test_no_packets(self):
        record, = self.add(DATA / "none.pcap")
        self.assertEqual((record["packets"], record.get("first"), record["truncated"]), (0, None, False))
        self.assert_clean(self.ingest("verify"))

    def test_directory(self):
        folder = self.folder / "in"
        (folder / "deep").mkdir(parents=True)
        shutil.copy(MIXED, folder / "b.pcap")
        shutil.copy(SEVERAL, folder / "deep" / "a.pcapng")
        (folder / "notes.txt").write_text("not a capture")
        (folder / "empty").touch()
        os.symlink("/etc", folder / "link")
        os.mkfifo(folder / "fifo")
        result = self.ingest("add", folder)
        self.assertEqual((result.status, [record["name"] for record in result.records]), (0, ["b.pcap", "a.pcapng"]), result)
        self.assertEqual(sum("passed over" in line for line in result.messages), 2, result)

    def test_progress(self):
        large = self.folder / "large.pcap"
        large.write_bytes(captures.pcap([dns(1)]) + captures.pcap([dns(2)])[24:] * 400_000)
        self.assertRegex(self.ingest("add", "--progress", "always", large, timeout=120).err, rb"\rpcapingest: .* of .*, .*/s")
        self.assert_clean(self.ingest("add", "--progress", "never", "--no-copy", large, "--owner", "x", timeout=120))
        self.assert_clean(self.ingest("add", large, "--owner", "y", timeout=120))


class Names(stores.StoreCase):
    def test_odd_names(self):
        base = os.fsencode(self.folder)
        for name, shown in ((b"new\nline", "new\nline"), (b"\xff\xfe.pcap", "\\xff\\xfe.pcap"), (b"n" * 255, "n" * 255),
                            ("über 'quoted' \"too\".pcap".encode(), "über 'quoted' \"too\".pcap"), (b"-rf", "-rf")):
            with self.subTest(name=name):
                path = base + b"/" + name
                shutil.copy(os.fsencode(MIXED), path)
                store = self.folder / f"store{len(name)}"
                done = subprocess.run([harness.BIN / "pcapingest", "add", "--store", store, path], capture_output=True,
                                      env=harness.ENVIRONMENT, timeout=60)
                result = harness.Result(done.returncode, done.stdout, done.stderr)
                self.assert_clean(result)
                self.assertEqual(result.records[0]["name"], shown)
                self.assert_whole(store)

    def test_names_that_are_given(self):
        self.assertEqual(self.add(MIXED, "--name", "../../etc/passwd")[0]["name"], "../../etc/passwd")
        self.assert_fails(self.ingest("add", SEVERAL, "--name", "n" * 1021), r"1020 bytes")
        self.add(SEVERAL, "--name", "'; drop table pcap_metadata; --")
        self.assert_clean(self.ingest("delete", "'; drop table pcap_metadata; --", *NOW))
        self.assert_whole()
        self.assertEqual(sorted(path.name for path in self.folder.iterdir()), ["store"])

    def test_two_files_of_one_name(self):
        self.add(MIXED, "--name", "same")
        self.add(SEVERAL, "--name", "same")
        result = self.ingest("delete", "same")
        self.assert_fails(result, r"same: means several captures: [0-9a-f]{32} same, [0-9a-f]{32} same \(give", 2)
        self.assert_clean(self.ingest("delete", stores.sha256(MIXED)[:6], *NOW))
        self.assert_clean(self.ingest("delete", "same", *NOW))
        self.assert_whole()


class Owners(stores.StoreCase):
    def test_projects(self):
        made = self.ingest("project", "create", "one", "--owner", "ann")
        self.assert_clean(made)
        self.assertEqual({key: made.records[0][key] for key in ("type", "name", "files")}, {"type": "project", "name": "one", "files": 0})
        self.assert_fails(self.ingest("project", "create", "one", "--owner", "ann"), r"is there already", 3)
        self.assert_clean(self.ingest("project", "create", "one", "--owner", "bob"))
        self.assertEqual(len(self.ingest("project", "list", "--owner", "bob").records), 1)
        self.assertEqual(sorted(record["owner"] for record in self.ingest("project", "list").records), ["ann", "bob"])
        self.add(MIXED, "--owner", "ann", "--project", "one")
        self.assertEqual(self.ingest("project", "list", "--owner", "ann").records[0]["files"], 1)
        self.assert_fails(self.ingest("project", "delete", made.records[0]["project_id"], "--owner", "bob"), r"not found", 3)
        self.assert_clean(self.ingest("project", "delete", "one", "--owner", "ann"))
        self.assert_fails(self.ingest("add", SEVERAL, "--project", "one"), r"several owners|not found", 3)
        self.assertEqual(stores.visible(self.store), {("ann", "mixed.pcap", stores.sha256(MIXED)[:32])})
        for name in ("", "x" * 81, "a\nb", "\x7f"):
            self.assert_fails(self.ingest("project", "create", name), r"NAME|80 bytes", 2)

    def test_files(self):
        self.assertFalse(self.add(MIXED, "--owner", "ann")[0]["already_present"])
        self.assert_fails(self.ingest("delete", "mixed.pcap", "--owner", "bob"), r"no such file", 3)
        self.assert_fails(self.ingest("verify", stores.sha256(MIXED)[:32], "--owner", "bob"), r"no such file", 3)
        self.assertEqual(self.ingest("verify", "--owner", "bob").out, b"")
        self.assertFalse(self.add(MIXED, "--owner", "bob")[0]["already_present"])
        self.assertTrue(self.add(MIXED, "--owner", "bob")[0]["already_present"])
        self.assert_clean(self.ingest("delete", "mixed.pcap", "--owner", "ann", *NOW))
        self.assertEqual(len(self.ingest("verify", "--owner", "bob").records), 1)
        self.assert_whole()
        self.assert_clean(self.ingest("delete", "mixed.pcap", "--owner", "bob", *NOW))
        self.assertEqual(list((self.store / "captures").glob("*/*")), [])
        self.assert_whole()


class Originals(stores.StoreCase):
    """Where the bytes are."""

    def setUp(self):
        super().setUp()
        self.path = self.folder / "here.pcap"
        shutil.copy(MIXED, self.path)

    def test_reference(self):
        record, = self.add("--no-copy", self.path)
        self.assertEqual((record["reference"], list(self.store.glob("captures/*/*"))), (str(self.path), []))
        self.assert_clean(self.ingest("verify"))
        self.path.write_bytes(MIXED.read_bytes()[:-1] + b"x")
        result = self.ingest("verify")
        self.assert_fails(result, r"here.pcap: its SHA-256", 3)
        self.assertEqual(result.records[0]["state"], "damaged")
        self.path.unlink()
        self.assert_fails(self.ingest("verify"), r"here.pcap: no such file", 3)

    def test_a_relative_path(self):
        result = self.run_tool("pcapingest", "add", "--store", self.store, "--no-copy", "here.pcap", cwd=self.folder)
        self.assertEqual(result.records[0]["reference"], str(self.path))

    def test_sizes(self):
        """A copy is written in blocks of 1 MiB."""
        block = 1 << 20
        begin = captures.pcap([captures.Packet(bytes(1000))] * 2000)
        for size in (2 * block, 2 * block + 4096, 3 * block - 1, 3 * block, 3 * block + 1):
            with self.subTest(size=size):
                missing = size - len(begin)
                packets = [captures.Packet(bytes(60_000))] * (missing // 60_016) + [captures.Packet(bytes(missing % 60_016 - 16))]
                self.path.write_bytes(begin + captures.pcap(packets)[24:])
                self.assertEqual(self.path.stat().st_size, size)
                record, = self.add(self.path)
                copy = self.store / "captures" / record["sha256"][:2] / record["sha256"]
                self.assertEqual((record["sha256"], copy.read_bytes()), (stores.sha256(self.path), self.path.read_bytes()))
        self.assert_clean(self.ingest("verify"))

    def test_a_copy_after_a_reference(self):
        """Whoever asks for a copy may remove the original afterwards."""
        self.add("--no-copy", self.path)
        record, = self.add(self.path)
        self.assertEqual((record["already_present"], record.get("reference")), (True, None))
        self.path.unlink()
        self.assert_clean(self.ingest("verify"))
        self.assert_whole()

    def test_a_reference_after_a_copy(self):
        self.add(self.path)
        self.assertNotIn("reference", self.add("--no-copy", self.path)[0])
        self.path.unlink()
        self.assert_clean(self.ingest("verify"))

    def test_a_reference_that_moved(self):
        self.add("--no-copy", self.path)
        moved = self.path.rename(self.folder / "there.pcap")
        self.assertEqual(self.add("--no-copy", moved)[0]["reference"], str(moved))
        self.assert_clean(self.ingest("verify"))
        other = self.folder / "other.pcap"
        shutil.copy(MIXED, other)
        self.assertEqual(self.add("--no-copy", other)[0]["reference"], str(moved))  # which is still good

    def test_compressed(self):
        digest = stores.sha256(MIXED)
        for suffix, command in (("gz", "gzip"), ("zst", "zstd"), ("xz", "xz"), ("lz4", "lz4")):
            with self.subTest(suffix=suffix):
                if not shutil.which(command):
                    self.missing(f"no {command}")
                path = self.folder / f"mixed.pcap.{suffix}"
                path.write_bytes(subprocess.run([command, "-c"], input=MIXED.read_bytes(), capture_output=True, check=True).stdout)
                record, = self.add(path)
                self.assertEqual((record["sha256"], record["already_present"]), (digest, suffix != "gz"))
        self.assert_fails(self.ingest("add", "--no-copy", path), r"compressed, so it cannot stay")
        self.assert_whole()
        self.assert_clean(self.ingest("verify"))


class Bad(stores.StoreCase):
    def refused(self, path, pattern, status=1):
        result = self.ingest("add", path)
        self.assert_fails(result, pattern, status)
        self.assertEqual((result.out, stores.visible(self.store)), (b"", set()))
        self.assert_whole()

    def test_no_captures(self):
        cases = {"a.zip": b"PK\3\4" + bytes(100), "empty.pcap": b"", "text": b"hello\n" * 100, "short.pcap": MIXED.read_bytes()[:20],
                 "zip.gz": gzip.compress(b"PK\3\4" + bytes(100)), "cut.gz": gzip.compress(MIXED.read_bytes())[:12]}
        for name, content in cases.items():
            with self.subTest(name=name):
                path = self.folder / name
                path.write_bytes(content)
                self.refused(path, rf"^pcapingest: .*{name}: .")

    def test_no_files(self):
        os.mkfifo(self.folder / "fifo")
        self.refused(self.folder / "missing", r"missing: no such file")
        self.refused(self.folder / "fifo", r"fifo: not a regular file")
        self.refused("/dev/zero", r"/dev/zero: not a regular file")

    def test_usage(self):
        for args in (["add"], ["nonsense"], ["add", MIXED, "--jobs", "0"], ["prune", "--max-age", "soon"], ["prune", "--max-store", "0k"],
                     ["prune", "--max-age", "0s"], ["add", MIXED, SEVERAL, "--name", "one"], ["add", self.folder, "--name", "one"], ["project", "burn"], []):
            result = self.run_tool("pcapingest", *args)
            self.assertEqual((result.status, result.out, len(result.messages)), (2, b"", 1), (args, result))
        self.assertFalse(self.store.exists())

    def test_the_rest_goes_in(self):
        (self.folder / "bad").write_text("no capture")
        result = self.ingest("add", self.folder / "bad", MIXED)
        self.assertEqual((result.status, [record["name"] for record in result.records]), (1, ["mixed.pcap"]))

    def test_malformed(self):
        """The good packets are kept, as many as netsniff reads; what is wrong is told."""
        damaged = 0
        for path in sorted((self.data() / "malformed" / "pcaps").rglob("*.*")):
            if path.is_dir():
                continue
            read = self.run_tool("netsniff", "-q", "-r", path, "--fields", "n")
            result = self.ingest("add", "-q", path, "--owner", path.name)
            with self.subTest(path=path.name):
                self.assertEqual(result.status, read.status, (result, read.messages))
                if result.records:
                    record, = result.records
                    self.assertEqual(record["packets"], len(read.out.splitlines()))
                    self.assertEqual((record["truncated"], len(result.messages)), (read.status == 1, read.status))
                    damaged += record["truncated"]
                else:
                    self.assertEqual((read.out, len(result.messages)), (b"", 1))
        self.assertGreater(damaged, 8)
        self.assert_clean(self.ingest("verify"))
        self.assert_whole()


class Pipe(stores.StoreCase):
    def feed(self, content, *args):
        result = self.ingest("add", "-q", "-", *args, stdin=content)
        self.assert_clean(result)
        self.assert_whole()
        return result.records

    def test_whole(self):
        record, = self.feed(SEVERAL.read_bytes(), "--name", "live")
        self.assertEqual((record["packets"], record["links"]), (5, ["ethernet", "raw_ip"]))
        self.assertRegex(record["name"], r"^live-20231114T221320Z.pcapng$")
        self.assert_clean(self.ingest("verify"))

    def test_size(self):
        records = self.feed(captures.pcap([dns(number) for number in range(200)]), "--roll-size", "1k")
        self.assertGreater(len(records), 5)
        self.assertEqual(sum(record["packets"] for record in records), 200)
        self.assertEqual(len({record["name"] for record in records}), len(records))  # though all of them are of one second
        (whole,) = self.feed(captures.pcap([dns(number) for number in range(9)]), "--roll-size", "0", "--roll-time", "0s")
        self.assertEqual(whole["packets"], 9)

    def test_time(self):
        """A file is there when its time is over, though nothing more comes."""
        process = self.start_tool("pcapingest", "add", "-q", "--store", self.store, "--roll-time", "300ms", "-", stdin=subprocess.PIPE)
        process.stdin.write(captures.pcap([dns(1), dns(2)]))
        process.stdin.flush()
        there = 0
        while there < 2:
            there += json.loads(self.read_line(process.stdout, process))["packets"]
        process.stdin.write(captures.pcap([dns(3)])[24:])
        process.stdin.close()
        self.assertIn(b'"packets":1', self.read_line(process.stdout, process))
        self.assertEqual(process.wait(20), 0)
        self.assert_whole()

    def test_interrupted(self):
        """Ctrl-C goes to a whole pipeline: what its writer still says is taken in."""
        process = self.start_tool("pcapingest", "add", "-q", "--store", self.store, "-", stdin=subprocess.PIPE)
        process.stdin.write(captures.pcap([dns(1)]))
        process.stdin.flush()
        self.wait_for(lambda: list(self.store.glob("incoming/*/1.pcapng")))
        process.send_signal(2)
        process.stdin.write(captures.pcap([dns(2)])[24:])
        process.stdin.close()
        self.assertIn(b'"packets":2', process.stdout.read())
        self.assertEqual(process.wait(20), 0)

    def test_from_netsniff(self):
        line = f"netsniff -q -r {MIXED} -r {DATA}/burst.pcap -w - | pcapingest add -q --store {self.store} --roll-size 20k -"
        result = self.shell(line)
        expected = len(self.run_tool("netsniff", "-q", "-r", MIXED, "-r", DATA / "burst.pcap", "--fields", "n").out.splitlines())
        self.assertEqual((result.status, result.messages), (0, []))
        self.assertEqual(sum(record["packets"] for record in result.records), expected)

    def test_cut(self):
        result = self.ingest("add", "-q", "-", stdin=MIXED.read_bytes()[:-3])
        self.assert_fails(result, r"cut|truncated|ends")
        self.assertEqual(result.records[0]["packets"], 19)
        self.assert_fails(self.ingest("add", "-", stdin=b"PK\3\4 no capture"), r"stdin: ")
        self.assert_whole()


class Prune(stores.StoreCase):
    def setUp(self):
        super().setUp()
        for path in (MIXED, SEVERAL, DATA / "burst.pcap"):
            self.add(path)

    def make_older(self):
        """All that is there, by two hours."""
        stores.execute(self.store, f"update pcap_metadata set created = created - {2 * 3600 * 10**9}")

    def prune(self, *args):
        result = self.ingest("prune", *args)
        self.assert_clean(result)
        self.assert_whole()
        return [(record["file_id"], record["reason"], record["state"]) for record in result.records]

    def test_size(self):
        sizes = {row.file_id: row.stored_bytes for row in stores.select(self.store, "select * from pcap_metadata")}
        oldest, middle, newest = (stores.sha256(path)[:32] for path in (MIXED, SEVERAL, DATA / "burst.pcap"))
        limit = sizes[newest] + sizes[middle] - 1
        before = stores.visible(self.store)
        self.assertEqual(self.prune("--max-store", limit, "--dry-run"), [(oldest, "size", "planned"), (middle, "size", "planned")])
        self.assertEqual(stores.visible(self.store), before)
        self.assertEqual(self.prune("--max-store", limit + 1), [(oldest, "size", "deleted")])
        self.assertEqual(len(list(self.store.glob("captures/*/*"))), 3)  # for ten minutes
        self.assertEqual(self.prune("--max-store", limit, *NOW), [(middle, "size", "deleted")])
        self.assertEqual([path.name[:32] for path in self.store.glob("captures/*/*")], [newest])

    def test_age(self):
        self.assertEqual(self.prune("--max-age", "1h"), [])
        self.make_older()
        self.add(MIXED)  # is there already: no younger for that
        self.assertEqual([reason for _, reason, _ in self.prune("--max-age", "1h", *NOW)], ["age"] * 3)
        self.assertEqual(list(self.store.glob("captures/*/*")), [])

    def test_nothing_asked(self):
        self.assertEqual(self.prune(), [])

    def test_back_within_the_grace(self):
        """A file that is deleted and comes back is young again."""
        self.make_older()
        self.assert_clean(self.ingest("delete", "mixed.pcap"))
        self.assertFalse(self.add(MIXED)[0]["already_present"])
        self.assertNotIn(stores.sha256(MIXED)[:32], [file_id for file_id, _, _ in self.prune("--max-age", "1h", *NOW)])
        self.assertEqual(len(stores.visible(self.store)), 1)


class Damage(stores.StoreCase):
    """verify names what is damaged, and nothing else."""

    def setUp(self):
        super().setUp()
        self.add(MIXED)
        self.add(SEVERAL)
        self.row = next(row for row in stores.select(self.store, "select * from pcap_metadata") if row.packets == 20)

    def told(self, path, strictly=True):
        result = self.ingest("verify")
        self.assertEqual((result.status, [record["state"] for record in result.records]), (3, ["damaged", "good"]), result)
        if strictly:
            self.assertRegex(result.messages[0], re.escape(path.name))
        faults = [re.sub(r"[\x00-\x1f]", " ", fault) for fault in result.records[0]["faults"]]  # messages are one line
        self.assertEqual(faults, [line.split(": ", 1)[1] for line in result.messages])

    def test_a_byte(self):
        for path in stores.files_of(self.store, self.row):
            content = path.read_bytes()
            for at in (0, len(content) // 2, len(content) - 1):
                with self.subTest(path=path.name, at=at):
                    path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1:])
                    self.told(path, strictly=path.name != "parts.sha256")
                    path.write_bytes(content)
        self.assert_clean(self.ingest("verify"))

    def test_gone_or_cut(self):
        for path in stores.files_of(self.store, self.row):
            content = path.read_bytes()
            with self.subTest(path=path.name):
                path.write_bytes(content[:-1])
                self.told(path)
                path.unlink()
                self.told(path)
                path.write_bytes(content)

    def test_queries(self):
        """A question about a damaged file names the part; other files answer."""
        if not (harness.BIN / "pcapquery").exists():
            self.missing("no pcapquery")
        for path in stores.files_of(self.store, self.row)[1:]:
            content = path.read_bytes()
            for damaged in (content[:-5], content[:len(content) // 2], b"", None):
                path.unlink()
                if damaged is not None:
                    path.write_bytes(damaged)
                with self.subTest(path=path.name, bytes=len(damaged or b"")):
                    for verb in ("flows", "analyze"):
                        result = self.run_tool("pcapquery", verb, "--store", self.store, "mixed.pcap")
                        self.assert_fails(result, rf"^pcapquery: \S+/{path.name}: .*\(pcapingest verify\)$")
                        self.assert_clean(self.run_tool("pcapquery", verb, "--store", self.store, "several.pcapng"))
            path.write_bytes(content)

    def test_a_line_of_the_manifest(self):
        manifest = stores.parts_folder(self.store, self.row) / "parts.sha256"
        lines = manifest.read_text().splitlines(True)
        manifest.write_text("".join(lines[1:]))
        result = self.ingest("verify")
        self.assertEqual(result.status, 3)
        self.assertRegex(result.messages[0], lines[0].split()[1])

    def test_other_rows_with_good_sums(self):
        """Parts that are whole but not of this capture: only a fresh decode tells."""
        other = next(row for row in stores.select(self.store, "select * from pcap_metadata") if row.packets != 20)
        folder = stores.parts_folder(self.store, self.row)
        for path in stores.parts_folder(self.store, other).iterdir():
            shutil.copy(path, folder)
        result = self.ingest("verify", self.row.file_id)
        self.assertEqual(result.status, 3)
        self.assertRegex(result.messages[0], r"packets: \d+ rows are not what a fresh decode gives")

    def test_repair(self):
        part = stores.files_of(self.store, self.row)[2]
        part.write_bytes(b"")
        self.assert_clean(self.ingest("delete", "mixed.pcap", *NOW))
        self.add(MIXED)
        self.assert_clean(self.ingest("verify"))


class Foreign(stores.StoreCase):
    """Store and catalog that do not belong together: nothing is touched."""

    def setUp(self):
        super().setUp()
        self.add(MIXED)

    def refused(self, pattern, *args):
        before = sorted(self.store.rglob("*"))
        for verb in (("add", SEVERAL), ("delete", "mixed.pcap"), ("prune", "--max-age", "1us"), ("verify",), ("project", "list")):
            self.assert_fails(self.ingest(*verb, *args), pattern)
        self.assertEqual(sorted(self.store.rglob("*")), before)
        self.assert_whole()

    def test_another_stores_catalog(self):
        other = self.folder / "other"
        self.add(SEVERAL, store=other)
        self.refused(r"belongs to another catalog", "--db", f"sqlite:{other}/catalog.sqlite")
        self.assert_whole(other)

    def test_a_new_catalog(self):
        """It knows nothing: what is in the store would be taken for left over."""
        self.refused(r"store: has captures that the catalog does not know", "--db", f"sqlite:{self.folder}/new.sqlite")

    def test_a_newer_catalog(self):
        stores.execute(self.store, "insert into schema_migrations values (1000, 1)")
        self.refused(r"catalog: its version 1000 is newer than this program's \d+")

    def test_no_catalog(self):
        for name in ("catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"):
            (self.store / name).write_bytes(b"This is no database. " * 300)
        self.refused_file(r"catalog.sqlite: .*not a database")

    def refused_file(self, pattern):
        self.assert_fails(self.ingest("add", SEVERAL), pattern)
        self.assertEqual(len(list(self.store.glob("captures/*/*"))), 1)

    def test_a_lost_catalog(self):
        (self.store / "catalog.sqlite").unlink()
        self.refused_file(r"has captures that the catalog does not know")

    def test_a_lost_id(self):
        (self.store / "id").unlink()
        self.refused_file(r"store/id: cannot be read")

    def test_files_of_somebody(self):
        """A directory with something else in it, of the same names: that stays."""
        mine = [self.folder / "mine" / name for name in ("captures/ab/monday.pcap", "parts/ab/x", "captures/x", "incoming/x/y")]
        for path in mine:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        self.add(MIXED, store=self.folder / "mine")
        self.assert_clean(self.ingest("delete", "mixed.pcap", *NOW, store=self.folder / "mine"))
        self.assertEqual([path for path in mine if not path.exists()], [])


class Reader(stores.StoreCase):
    NOBODY = 65534

    def test_who_may_only_read_is_answered(self):
        self.need_root()
        (record,) = self.add(MIXED)
        for path in [self.folder, *self.store.rglob("*"), self.store]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        as_reader = {"store": self.store, "user": self.NOBODY, "group": self.NOBODY, "extra_groups": []}
        try:
            files = self.run_tool("pcapquery", "files", "--store", self.store, **{k: as_reader[k] for k in ("user", "group", "extra_groups")})
        except PermissionError:
            self.skipTest("nobody may not run the programs where they are")
        self.assert_clean(files)
        self.assertEqual([r["file_id"] for r in files.records], [record["file_id"]])
        self.assert_fails(self.ingest("add", SEVERAL, **as_reader), "catalog.sqlite: permission denied")


class Disk(stores.StoreCase):
    """A small disk of our own."""

    def in_namespace(self, line, size="1m"):
        self.need_root()
        disk = self.folder / "disk"
        disk.mkdir()
        script = f"mount -t tmpfs -o size={size} none {disk} || exit 99; {line}"
        done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, timeout=120,
                              env=harness.ENVIRONMENT | {"WIRELINE_STORE": str(disk / "store")})
        result = harness.Result(done.returncode, done.stdout, done.stderr)
        if result.status == 99 or result.messages[:1] and result.messages[0].startswith("unshare:"):
            self.skipTest("cannot mount a tmpfs here")
        return result

    def test_full(self):
        large = self.folder / "large.pcap"
        large.write_bytes(captures.pcap([dns(number) for number in range(20_000)]))
        result = self.in_namespace(f"pcapingest add -q {MIXED} && pcapingest add -q {large}; echo $?; pcapingest add -q {SEVERAL}; echo $?;"
                                   f"pcapingest verify; head -c 1m /dev/zero >{self.folder}/disk/fill; pcapquery files | wc -l; pcapquery flows mixed.pcap | wc -l")
        lines = result.out.decode().splitlines()
        self.assertEqual((lines[1], lines[3], len(lines), len(result.messages)), ("1", "0", 8, 2), result)  # one of head
        self.assertEqual((lines[6], int(lines[7]) > 1), ("2", True), result)
        self.assertRegex(result.messages[0], r"^pcapingest: \S+/disk/store/\S+: no space left on device|No space left")
        self.assertEqual(lines[4].count('"good"') + lines[5].count('"good"'), 2)

    def test_full_while_a_large_original_is_copied(self):
        large = self.folder / "large.pcap"
        large.write_bytes(captures.pcap([captures.Packet(bytes(1400))] * 9_000))
        result = self.in_namespace(f"pcapingest add -q {large}; echo $?; pcapingest add -q {MIXED}; pcapquery files | wc -l;"
                                   f"find {self.folder}/disk/store/incoming -type f | wc -l", "4m")
        self.assertEqual((result.out.split()[0], result.out.split()[-2:], len(result.messages)), (b"1", [b"1", b"0"], 1), result)
        self.assertRegex(result.messages[0], r"^pcapingest: \S+/disk/store/\S+: [Nn]o space left")

    def test_read_only(self):
        result = self.in_namespace(f"pcapingest add -q {MIXED} && mount -o remount,ro {self.folder}/disk;"
                                   f"pcapingest add -q {SEVERAL}; echo $?; pcapingest delete mixed.pcap; echo $?;"
                                   "pcapquery files | wc -l; pcapquery flows mixed.pcap | wc -l")
        lines = result.out.decode().splitlines()
        self.assertEqual((lines[1:4], int(lines[4]) > 1), (["1", "1", "1"], True), result)
        self.assertEqual(len(result.messages), 2, result)
        for message in result.messages:
            self.assertRegex(message, r"^pcapingest: \S+/disk/store/\S+: read-only file system")


if __name__ == "__main__":
    harness.main()
