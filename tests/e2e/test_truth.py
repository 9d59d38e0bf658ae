"""What tshark says of each packet of the shared captures, against netsniff's records and netwindow's sums."""

import collections
import concurrent.futures
import csv
import importlib.util
import os
import subprocess
import sys

import harness

KNOWN = harness.ROOT / "tests" / "data"
LONGEST = "1000d"  # what netwindow takes; few captures span two such windows, and their sums are added up


class Truth(harness.TestCase):
    def setUp(self):
        self.set = self.data()
        self.script = self.set.parent / "bin" / "compare_truth.py"
        if not self.script.exists():
            self.missing(f"no {self.script}")

    def compare(self, known, *more):
        """The comparison's last lines stand in the log; all its output where it fails."""
        command = [sys.executable, self.script, "--set", self.set, "--map", self.set / "field_map.json", "--known", KNOWN / known,
                   "--cmd", f"{harness.BIN}/netsniff --fields all -r {{pcap}}", *more]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=harness.ENVIRONMENT, check=False)
        print(done.stdout.rstrip().rsplit("\n", 1)[-1])
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_every_packet(self):
        self.compare("known_differences.tsv")

    def test_every_packet_of_damaged_captures(self):
        self.compare("known_differences_malformed.tsv", "--malformed")

    def test_what_cannot_be_read_to_its_end_is_said(self):
        """One line: file, byte, cause; status 1. The rest of the damaged captures is sound as a container."""
        with (self.set / "malformed" / "MANIFEST.tsv").open(newline="") as file:
            broken = [row["path"] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if row["tshark_rc"] != "0"]
        self.assertGreater(len(broken), 10)
        for path in broken:
            with self.subTest(path):
                capture = self.set / "malformed" / "pcaps" / path
                result = self.run_tool("netsniff", "-r", capture)
                self.assertEqual((result.status, len(result.messages)), (1, 1), result)
                self.assertTrue(result.messages[0].startswith(f"netsniff: {capture}: byte "), result)
                self.assertRegex(result.messages[0].removeprefix(f"netsniff: {capture}: byte "), r"^\d+: \w")

    def test_sums_by_address_pair(self):
        """Frames and bytes between two addresses, of the outer header: windows against truth, exactly."""
        spec = importlib.util.spec_from_file_location("compare_truth", self.script)
        self.truth = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.truth)
        captures = sorted(path.relative_to(self.set / "truth") for path in (self.set / "truth").rglob("*.tsv.gz"))
        self.assertGreater(len(captures), 600)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            sums = list(pool.map(self.window_sums, captures))
        packets = 0
        for capture, found in zip(captures, sums):
            with self.subTest(str(capture)):
                wanted = self.true_sums(capture)
                self.assertEqual(found, wanted)
                packets += sum(count for count, _ in wanted.values())
        print(f"captures={len(captures)} packets={packets}")

    def true_sums(self, capture):
        """{pair: (frames, bytes)}; the keys None and "untimed" hold what has no address, and no time."""
        sums = collections.defaultdict(lambda: (0, 0))
        for row in self.truth.rows(self.set / "truth" / capture):
            layers, _ = self.truth.outer(row["frame.protocols"])
            layer = next((layer for layer in layers if layer in ("ip", "ipv6")), None)
            addresses = (row[f"{layer}.src"], row[f"{layer}.dst"]) if layer else ("", "")
            key = tuple(sorted(addresses)) if all(addresses) else None
            if not row["frame.time_epoch"]:
                key = "untimed"
            frames, length = sums[key]
            sums[key] = (frames + 1, length + int(row["frame.len"]))
        return dict(sums)

    def window_sums(self, capture):
        path = self.set / "pcaps" / str(capture).removesuffix(".tsv.gz")
        records = self.run_tool("netsniff", "--fields", "len,src_ip,dst_ip,proto,dst_port,src_port", "-r", path)
        self.assert_clean(records)
        sums = self.sums_of(records.out)
        if "late" in sums:  # time goes back by years: put into order first, as `sort` does it with the keys' fixed order
            sums = self.sums_of(b"".join(sorted(records.out.splitlines(keepends=True))))
        return sums

    def sums_of(self, records):
        windows = self.run_tool("netwindow", "--by", "pair", "--window", LONGEST, "--lateness", LONGEST, stdin=records)
        self.assertEqual(windows.status, 0, windows)
        sums = collections.defaultdict(lambda: (0, 0))

        def add(key, frames, length):
            if frames:
                sums[key] = (sums[key][0] + frames, sums[key][1] + length)

        for record in windows.records:
            if record["type"] == "window":
                add(tuple(sorted(record["pair"])), record["packets"], record["bytes"])
            else:
                add(None, record["unkeyed_packets"], record["unkeyed_bytes"])
                add("untimed", record["untimed_packets"], record["untimed_bytes"])
                add("late", record["late_packets"], record["late_bytes"])
        return dict(sums)


if __name__ == "__main__":
    harness.main()
