#!/usr/bin/python3
"""Many at one store at once, some of them killed: one file stays one file, and no reader sees anything but whole ones."""

import concurrent.futures
import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import threading
import time

import captures
import harness
import stores

DATA = harness.ROOT / "tests" / "data"
MIXED, SEVERAL, BURST = DATA / "mixed.pcap", DATA / "several.pcapng", DATA / "burst.pcap"
KILLS = 1000 if os.environ.get("WIRELINE_LONG") == "1" else 200
GRACE = "20s"  # longer than any reader here takes


class RaceCase(stores.StoreCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="wireline-", dir=stores.base_dir()))
        self.addCleanup(shutil.rmtree, self.folder)
        self.store = self.folder / "store"

    def at_once(self, commands):
        """The results of all commands, which run together."""
        with concurrent.futures.ThreadPoolExecutor(len(commands)) as pool:
            return list(pool.map(lambda command: self.ingest(*command), commands))

    def assert_all_good(self):
        self.assert_clean(self.ingest("verify"))
        self.assert_whole()


class Race(RaceCase):
    def test_one_file(self):
        for options in ((), ("--no-copy",)):
            results = self.at_once([("add", *options, MIXED)] * 8)  # the first ones make store and catalog too
            for result in results:
                self.assert_clean(result)
            self.assertEqual({result.records[0]["file_id"] for result in results}, {stores.sha256(MIXED)[:32]})
            self.assertEqual(sum(not result.records[0]["already_present"] for result in results), 1)
            self.assertEqual(len(list(self.store.glob("parts/*/*/*"))), 1)
            self.assert_all_good()
            self.assert_clean(self.ingest("delete", MIXED.name, "--grace", "0s"))

    def test_one_name(self):
        for path in (MIXED, SEVERAL):
            (self.folder / path.suffix).mkdir()
            shutil.copy(path, self.folder / path.suffix / "same")
        for result in self.at_once([("add", self.folder / path.suffix / "same") for path in (MIXED, SEVERAL)] * 3):
            self.assert_clean(result)
        self.assertEqual([name for _, name, _ in stores.visible(self.store)], ["same"] * 2)
        self.assert_all_good()

    def test_add_and_delete(self):
        self.add(SEVERAL)
        for _ in range(6):
            commands = [("add", MIXED), ("delete", MIXED.name, "--grace", "0s"), ("add", MIXED, "--owner", "another"),
                        ("prune", "--max-age", "1us", "--grace", "0s")]
            for command, result in zip(commands, self.at_once(commands)):
                if command[0] == "delete" and result.status == 3:
                    self.assert_fails(result, "no such file", 3)
                else:
                    self.assert_clean(result)
            self.assert_clean(self.ingest("project", "list"))  # the last of them may have left things for the next
            self.assert_all_good()

    def test_jobs(self):
        inbox = self.folder / "in"
        inbox.mkdir()
        for number in range(24):
            packets = [captures.Packet(captures.ethernet(captures.ipv4("10.0.0.7", "192.0.2.53", 17, captures.udp(number, 53))))]
            (inbox / f"{number}.pcap").write_bytes(captures.pcap(packets * (number // 2 + 1)))
        result = self.ingest("add", "-q", "--jobs", 4, inbox)
        self.assert_clean(result)
        self.assertEqual(sorted(int(record["name"].split(".")[0]) for record in result.records), list(range(24)))
        self.assert_all_good()


class Killed(RaceCase):
    """Random kills of whatever writes, while readers ask all the time."""

    def setUp(self):
        super().setUp()
        self.add("-q", MIXED, SEVERAL)
        self.over = threading.Event()
        self.reads = 0

    def query(self, *args):
        """A reader's answer, or None: the file is not there (now)."""
        result = self.run_tool("pcapquery", *args[:1], "--store", self.store, *args[1:])
        if result.status == 3:
            return None
        self.assert_clean(result)
        return result.records

    def read(self):
        """Until all is over: what is visible is whole and what it ought to be."""
        has_query = (harness.BIN / "pcapquery").exists()
        while not self.over.is_set():
            self.assertEqual([fault for fault in stores.faults(self.store) if "No such file" not in fault], [])
            if has_query:
                counts = {path.name: count for path, count in ((MIXED, 20), (SEVERAL, 5))}
                for record in self.query("files"):
                    self.assertEqual(record["packets"], counts.get(record["name"], record["packets"]))
                for path in (MIXED, SEVERAL):
                    flows = self.query("flows", path.name)
                    self.assertIn(flows and sum(flow["packets"] for flow in flows), (None, self.expected[path]))
            self.reads += 1

    def test_random_kills(self):
        chance = random.Random(4)
        self.expected = {}
        if (harness.BIN / "pcapquery").exists():
            self.expected = {path: sum(flow["packets"] for flow in self.query("flows", path.name)) for path in (MIXED, SEVERAL)}
        commands = [("add", MIXED), ("add", SEVERAL), ("add", BURST), ("add", MIXED, "--owner", "another"),
                    ("delete", MIXED.name, "--grace", GRACE), ("delete", SEVERAL.name, "--grace", GRACE),
                    ("prune", "--max-store", "40k", "--grace", GRACE), ("add", "--no-copy", BURST)]
        killed = runs = 0
        longest = dict.fromkeys(("add", "delete", "prune"), 0.3)  # seconds until a kill: about half of the kills are to come in time
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            readers = [pool.submit(self.read) for _ in range(2)]
            try:
                while killed < KILLS and not any(reader.done() for reader in readers):
                    verb, *args = chance.choice(commands)
                    process = subprocess.Popen([harness.BIN / "pcapingest", verb, "--store", self.store, *args], env=harness.ENVIRONMENT,
                                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                    time.sleep(chance.random() * longest[verb])
                    process.kill()
                    message = process.communicate(timeout=60)[1]
                    runs += 1
                    killed += process.returncode == -9
                    longest[verb] *= 1.1 if process.returncode == -9 else 0.9
                    self.assertIn(process.returncode, (-9, 0, 3), message)
            finally:
                self.over.set()
            for reader in readers:
                reader.result()
        print(f"random kills: {runs} runs, {killed} killed, {self.reads} rounds of readers", flush=True)
        self.assertGreater(self.reads, 10)
        self.assert_clean(self.ingest("add", "-q", MIXED, SEVERAL))
        self.assert_clean(self.ingest("prune", "--grace", "0s"))
        self.assert_all_good()


if __name__ == "__main__":
    harness.main()
