#!/usr/bin/python3
"""Packets that come back from a capture's parts and its original are those that netsniff makes of the capture."""

import concurrent.futures
import json
import os
import random
import subprocess

import harness

PROBE = harness.BIN.parent / "tests" / "store_probe"
OURS = harness.ROOT / "tests" / "data"
FIELDS = "all,info,community_id,payload"


class StoredPackets(harness.TestCase):
    def setUp(self):
        if not PROBE.exists():
            self.missing("built without the store")

    def probe(self, *args):
        done = subprocess.run([PROBE, *map(str, args)], capture_output=True, timeout=120, env=harness.ENVIRONMENT)
        return harness.Result(done.returncode, done.stdout, done.stderr)

    def difference(self, capture, *where):
        """The first record that is another one; None: all are the same."""
        theirs = self.run_tool("netsniff", "-q", "-r", capture, "--fields", FIELDS, *(("-Y",) + where if where else ()))
        if theirs.status != 0 and not theirs.out:  # no capture
            return None
        ours = self.probe("packets", capture, FIELDS, *where)
        if (ours.status, ours.err) != (0, b"") or len(ours.records) != len(theirs.records):
            return str(capture), ours, len(theirs.records)
        self.compared += len(ours.records)
        for a, b in zip(theirs.out.splitlines(), ours.out.splitlines()):
            if a != b:
                known, stored = json.loads(a), json.loads(b)
                if "iface" not in known:  # a stream cannot know yet that there will be a second interface
                    stored.pop("iface", None)
                if known != stored:
                    return str(capture), {key: (known.get(key), stored.get(key)) for key in known.keys() | stored.keys() if known.get(key) != stored.get(key)}
        return None

    def check(self, captures):
        self.compared = 0
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            different = [found for found in pool.map(self.difference, captures) if found]
        self.assertEqual(different, [])
        print(f"\n{self.compared} records of {len(captures)} captures")
        self.assertGreater(self.compared, 50)

    def test_our_captures(self):
        self.check(sorted([*OURS.glob("*.pcap"), *OURS.glob("*.pcapng")]))

    def test_captures_of_others(self):
        """A sixth of them: all take minutes."""
        found = sorted(path for folder in ("pcaps", "malformed") for path in (self.data() / folder).rglob("*") if path.is_file())
        random.Random(5).shuffle(found)
        self.check(found[::6])

    def test_some_packets(self):
        self.compared = 0
        for text in ("udp", "not tcp", "frame.number in {2, 5, 19}", "n == 1000", "app"):
            self.assertIsNone(self.difference(OURS / "mixed.pcap", text))
        self.assertGreater(self.compared, 20)

    def test_an_original_that_is_not_what_it_was(self):
        cut = self.probe("damaged", OURS / "mixed.pcap", "cut")
        self.assert_fails(cut, r"probe\.original: ends at byte \d+, before the packet at byte \d+ does \(pcapingest verify\)$")
        self.assertGreater(len(cut.out.splitlines()), 5)
        self.assert_fails(self.probe("damaged", OURS / "mixed.pcap", "gone"), r"probe\.original: no such file or directory")
        self.assert_fails(self.probe("damaged", OURS / "mixed.pcap", "changed"), r"probe\.original: has changed since")

    def test_pages(self):
        captures = [OURS / name for name in ("mixed.pcap", "tunnels.pcap", "none.pcap", "several.pcapng", "burst.pcap")] * 2 + [OURS / "kuznetzov.pcap"]
        pages = [("", 0, 0, 0), ("", 3, 0, 4), ("", 0, 5, 7), ("", 0, 1000000, 3), ("0", 4, 3, 20), ("last", 1, 0, 2)]
        for text in ("", "udp", "frame.len < 1"):
            numbers = [[record["n"] for record in self.run_tool("netsniff", "-q", "-r", path, "--fields", "n", "-Y", text).records] for path in captures]
            for used in (len(captures), 2, 1):  # each way to look at captures
                whole = [(str(file), n) for file in range(used) for n in numbers[file]]
                for file, after, offset, limit in pages[::2 if used > 3 else 1]:
                    file = str(used - 1) if file == "last" else file
                    with self.subTest(text=text, used=used, page=(file, after, offset, limit)):
                        first = int(file or 0)
                        expected = [(f, n) for f, n in whole if int(f) > first or (int(f) == first and n > after)][offset:]
                        done = self.probe("page", file, after, offset, limit, text, *captures[:used])
                        self.assert_clean(done)
                        count, *lines = done.out.decode().splitlines()
                        self.assertEqual(int(count), len(whole))
                        self.assertEqual([tuple(line.split()) for line in lines], [(f, str(n)) for f, n in (expected[:limit] if limit else expected)])

    def test_what_cannot_be_asked(self):
        self.assert_fails(self.probe("page", "x", 0, 0, 0, "", OURS / "mixed.pcap"), r"x: not among the files")
        self.assert_fails(self.probe("page", "", 0, 0, 0, 'info contains "x" or dir == "in"', OURS / "mixed.pcap"), r"--where: dir, info: not stored")

    def test_a_long_filter(self):
        for text in (" or ".join(["ip.ttl == 1"] * 4000 + ["udp"]), " and ".join(["not ip.ttl == 1"] * 3000), "(" * 190 + "udp" + ")" * 190, "not " * 190 + "udp",
                     "frame.len in {" + ",".join(map(str, range(10000))) + "}", "(tcp or " * 190 + "udp" + ")" * 190):
            with self.subTest(text[:20]):
                done = self.probe("page", "", 0, 0, 0, text, OURS / "mixed.pcap")
                self.assert_clean(done)
                expected = self.run_tool("netsniff", "-q", "-r", OURS / "mixed.pcap", "--fields", "n", "-Y", text).records
                self.assertEqual(int(done.out.split()[0]), len(expected))


if __name__ == "__main__":
    harness.main()
