#!/usr/bin/python3
"""Packets out of a store: pages, details, cuts and connections, compared with netsniff and tshark."""

import base64
import collections
import json
import pathlib
import random
import re
import shutil
import subprocess
import tempfile

import captures
import harness

MIXED = harness.ROOT / "tests" / "data" / "mixed.pcap"


def segment(flags, payload=b"", sequence=0, swap=False, acknowledged=0):
    """A segment between 10.0.0.1:4000 and 10.0.0.2:80; `swap`: from the latter."""
    ends = [("10.0.0.1", 4000), ("10.0.0.2", 80)]
    (a, a_port), (b, b_port) = ends[::-1] if swap else ends
    return captures.ethernet(captures.ipv4(a, b, 6, captures.tcp(a_port, b_port, flags, payload, sequence, acknowledged)))


class Store(harness.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="wireline-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.store = ["--store", str(self.folder / "store")]

    def add(self, path):
        return self.run_tool("pcapingest", "add", "-q", *self.store, str(path)).records[0]["file_id"]

    def query(self, *args, **options):
        return self.run_tool("pcapquery", *args, *self.store, **options)


class Pages(Store):
    def test_pages_join_to_the_whole(self):
        file_id = self.add(MIXED)
        whole = [json.loads(line) for line in self.run_tool("netsniff", "-r", str(MIXED)).out.splitlines()]
        found, after = [], []
        while True:
            records = self.query("packets", file_id, "--limit", "3", "--page", *after).records
            page = records.pop()
            self.assertEqual((page["type"], page["total"]), ("page", len(whole)))
            found += records
            if "next" not in page:
                break
            after = ["--after", page["next"]]
        for record in found:
            self.assertEqual(record.pop("file_id"), file_id)
        self.assertEqual(found, whole)

    def test_where_offset_and_after(self):
        file_id = self.add(MIXED)
        dns = [r["n"] for r in self.query("packets", file_id, "--where", "dns").records]
        self.assertGreater(len(dns), 2)
        self.assertEqual([r["n"] for r in self.query("packets", file_id, "-Y", "dns", "--offset", "1", "-c", "1").records], dns[1:2])
        self.assertEqual([r["n"] for r in self.query("packets", file_id, "-Y", "dns", "--after", str(dns[0])).records], dns[1:])
        self.assertEqual(self.query("packets", file_id, "--offset", "1000000").records, [])

    def test_what_is_wrong_is_said_in_one_line(self):
        file_id = self.add(MIXED)
        for arguments, status, text in [
            (["packets", file_id, "--where", 'dns.qry.name == "'], 2, "column"),
            (["packets", file_id, "--where", "no.such.field"], 2, "column"),
            (["packets", file_id, "--after", "x"], 2, "--after"),
            (["packets", "ffff"], 3, "ffff"),
            (["packet", file_id, "21"], 3, "21"),
            (["packet", file_id, "0"], 3, "packet 0"),
            (["follow", file_id, "99"], 3, "flow"),
            (["follow", file_id], 2, "--packet"),
            (["follow", file_id, "0", "--raw"], 2, "--side"),
            (["follow", file_id, "0", "--raw", "--side", "out", "-t"], 2, "--raw"),
        ]:
            with self.subTest(arguments):
                done = self.query(*arguments)
                self.assertEqual((done.status, len(done.messages)), (status, 1), done)
                self.assertIn(text, done.messages[0])
                self.assertEqual(done.out, b"")


class Details(Store):
    def test_record_tree_and_bytes(self):
        file_id = self.add(MIXED)
        records = {r["type"]: r for r in self.query("packet", file_id, "2", "--hex").records}
        self.assertEqual(list(records), ["packet", "detail"])
        detail = records["detail"]
        self.assertEqual((detail["n"], detail["file_id"]), (2, file_id))
        self.assertEqual([layer["name"] for layer in detail["tree"]], records["packet"]["layers"].split(":"))
        self.assertEqual(len(detail["hex"]), 2 * records["packet"]["caplen"])
        ttl = next(f for layer in detail["tree"] for f in layer["fields"] if f["key"] == "ip.ttl")
        self.assertEqual(int(detail["hex"][2 * ttl["offset"]:][:2], 16), int(ttl["value"]))

    def test_tshark_takes_it_apart(self):
        if shutil.which("tshark") is None:
            self.missing("no tshark (apt-get install tshark)")
        record = self.query("packet", str(MIXED), "2", "--dissect", "tshark").records[-1]
        self.assertEqual((record["type"], record["program"]), ("dissection", "tshark"))
        self.assertIn("Domain Name System", record["text"])


class Cuts(Store):
    def setUp(self):
        super().setUp()
        if shutil.which("tshark") is None:
            self.missing("no tshark (apt-get install tshark)")

    def tshark(self, path, where, out):
        subprocess.run(["tshark", "-n", "-r", path, "-Y", where, "-F", "pcap", "-w", out], check=True, capture_output=True,
                       env=harness.ENVIRONMENT | {"HOME": str(self.folder)})

    def test_frames_are_those_of_tshark(self):
        """Every byte behind the file's header: times, lengths and frames."""
        data = self.data() / "pcaps"
        files = [p for p in sorted(data.rglob("*.pcap")) if p.read_bytes()[:4] == b"\xd4\xc3\xb2\xa1" and p.stat().st_size < 2 << 20]
        compared = 0
        for path in random.Random(7).sample(files, min(25, len(files))):
            for where in ("frame.len > 100", "frame.number in {2..9, 20..99}"):
                ours, theirs = self.folder / "ours.pcap", self.folder / "theirs.pcap"
                done = self.query("export", str(path), "-w", str(ours), "--where", where)
                self.assertIn(done.status, (0, 1), done)
                self.tshark(path, where, theirs)
                if done.status == 0 and theirs.stat().st_size > 24:
                    self.assertEqual(ours.read_bytes()[24:], theirs.read_bytes()[24:], f"{path} {where}")
                    compared += 1
        self.assertGreater(compared, 25)

    def test_records_choose_packets(self):
        file_id = self.add(MIXED)
        lines = self.query("packets", file_id).out.splitlines(keepends=True)
        done = self.query("export", "-", "-w", "-", stdin=b"".join(lines[i] for i in (7, 2, 2, 5)))
        self.assertEqual(done.status, 0, done)
        cut = self.run_tool("netsniff", "-r", "-", stdin=done.out).records
        wanted = [json.loads(lines[i]) for i in (2, 5, 7)]
        for record in cut + wanted:
            record.pop("file_id", None)
            del record["n"]
        self.assertEqual(cut, wanted)

    def test_what_cannot_be_exported_is_told(self):
        file_id = self.add(MIXED)
        lines = b'{"n":99,"file_id":"%s"}\n{"n":1,"file_id":"%s"}\nnonsense\n{"n":1,"file_id":"%s"}\n' % (
            file_id.encode(), file_id.encode(), b"f" * 32)
        done = self.query("export", "-", "-w", str(self.folder / "cut.pcap"), stdin=lines)
        self.assertEqual(done.status, 1, done)
        self.assertEqual([(r["type"], r["n"]) for r in done.records], [("unexported", 99)])
        self.assertEqual(len(done.messages), 3, done)
        self.assertEqual(len(self.run_tool("netsniff", "-r", str(self.folder / "cut.pcap")).records), 1)


class Asked(Store):
    """By programs for others: what they name is in the store, and a failure is a record."""

    def test_stored_captures_alone(self):
        file_id = self.add(MIXED)
        for verb in (["packets"], ["analyze"], ["export", "-w", "-"], ["packet"]):
            with self.subTest(verb):
                more = ["1"] if verb == ["packet"] else []
                self.assertEqual(self.query(*verb, "--stored", file_id, *more).status, 0)
                self.assertEqual(self.query(*verb, str(MIXED), *more).status, 0)
                done = self.query(*verb, "--stored", str(MIXED), *more)
                self.assertEqual((done.status, done.out), (3, b""), done)
        named = json.dumps({"n": 1, "at_file": str(MIXED)}).encode() + b"\n"
        done = self.query("export", "-", "-w", "-", stdin=named)
        self.assertEqual(done.status, 0, done)
        done = self.query("export", "-", "-w", "-", "--stored", stdin=named)
        self.assertEqual((done.status, self.run_tool("netsniff", "-r", "-", stdin=done.out).records), (1, []), done)

    def test_a_failure_is_a_record(self):
        file_id = self.add(MIXED)
        for arguments, status in ((["packets", "ffff"], 3), (["packets", file_id, "-Y", "x.y"], 2), (["export", "ffff", "-w", "-"], 3),
                                  (["export", file_id, "-Y", "x.y", "-w", "-"], 2), (["follow", "ffff", "0", "--side=in", "--raw"], 3)):
            with self.subTest(arguments):
                self.assertEqual(self.query(*arguments).out, b"")
                done = self.query(*arguments, "--error-records")
                self.assertEqual((done.status, [set(record) for record in done.records]), (status, [{"type", "message"}]), done)
                self.assertEqual(done.messages, ["pcapquery: " + done.records[0]["message"]])

    def test_none_stands_behind_bytes(self):
        """Two link types do not fit into a pcap: its bytes end where the second begins."""
        data, make = captures.ipv4("10.0.0.1", "10.0.0.2", 17, captures.udp(1, 2)), captures.Pcapng()
        path = self.folder / "two.pcapng"
        path.write_bytes(make.section() + make.interface() + make.interface(link=101) +
                         make.packet(captures.Packet(captures.ethernet(data))) + make.packet(captures.Packet(data), interface=1))
        done = self.query("export", str(path), "-w", "-", "--format", "pcap", "--error-records")
        self.assertEqual((done.status, len(done.messages)), (1, 1), done)
        self.assertNotIn(b'"type"', done.out)
        self.assertEqual(len(self.run_tool("netsniff", "-r", "-", stdin=done.out).records), 1)


class Connections(Store):
    def write(self, packets):
        path = self.folder / "c.pcap"
        path.write_bytes(captures.pcap([captures.Packet(data, at) for at, data in enumerate(packets)]))
        return str(path)

    def pieces(self, packets, *more):
        return self.query("follow", self.write(packets), "0", *more).records

    def test_order_overlap_and_loss(self):
        out = lambda payload, sequence, flags="A": segment(flags, payload, sequence)  # noqa: E731
        back = lambda payload, sequence, flags="A": segment(flags, payload, sequence, swap=True)  # noqa: E731
        packets = [
            out(b"", 0xFFFFFFFE, "S"), back(b"", 500, "SA"),
            out(b"abc", 0xFFFFFFFF), out(b"ghi", 5), out(b"def", 2), out(b"bcdef", 0),  # over the end of the numbers, late, again
            back(b"xyz", 501), out(b"tail", 108),
        ]
        records = self.pieces(packets)
        out_bytes = b"".join(base64.b64decode(r["payload"]) for r in records if r["dir"] == "out" and "payload" in r)
        self.assertEqual(out_bytes, b"abcdefghitail")
        gap = [r for r in records if "payload" not in r]
        self.assertEqual([(r["dir"], r["offset"], r["bytes"]) for r in gap], [("out", 9, 100)])
        self.assertEqual(self.query("follow", str(self.folder / "c.pcap"), "0", "--side", "in", "--raw").out, b"xyz")
        self.assertEqual([r["text"] for r in self.pieces(packets, "--side", "in", "--text")], ["xyz"])

    def test_what_was_acknowledged_is_not_waited_for(self):
        out = lambda payload, sequence: segment("A", payload, sequence, acknowledged=500)  # noqa: E731
        back = lambda payload, sequence, acknowledged: segment("A", payload, sequence, swap=True, acknowledged=acknowledged)  # noqa: E731
        packets = [
            out(b"ask1", 100), back(b"tell1", 500, 104), out(b"ask3", 108),
            back(b"", 505, 104), out(b"ask2", 104), back(b"tell2", 505, 112),  # late: the other end did not have it yet
            out(b"ask5", 116), back(b"tell3", 510, 120), out(b"ask6", 120),  # never: it did
        ]
        self.assertEqual([r.get("text", r["bytes"]) for r in self.pieces(packets, "--text")],
                         ["ask1", "tell1", "ask2", "ask3", "tell2", 4, "ask5", "tell3", "ask6"])

    def test_streams_are_those_of_tshark(self):
        if shutil.which("tshark") is None:
            self.missing("no tshark (apt-get install tshark)")
        files = [p for p in sorted((self.data() / "pcaps").rglob("*.pcap*")) if p.stat().st_size < 1 << 20]
        compared = 0
        for path in random.Random(3).sample(files, min(60, len(files))):
            flows = self.query("flows", str(path)).records
            ends = collections.Counter(frozenset([(f.get("src_ip"), f.get("src_port")), (f.get("dst_ip"), f.get("dst_port"))]) for f in flows)
            for flow in [f for f in flows if f.get("proto") == "tcp" and f["out_payload_bytes"]][:3]:
                key = frozenset([(flow["src_ip"], flow["src_port"]), (flow["dst_ip"], flow["dst_port"])])
                if ends[key] == 1:
                    compared += self.compare_stream(path, flow)
        self.assertGreater(compared, 15)

    def compare_stream(self, path, flow):
        records = self.query("follow", str(path), str(flow["flow"])).records
        if any("payload" not in r for r in records):
            return 0  # tshark puts a text among the bytes
        ours = {side: b"".join(base64.b64decode(r["payload"]) for r in records if r["dir"] == side) for side in ("out", "in")}
        address = lambda end: f"[{flow[end + '_ip']}]" if ":" in flow[end + "_ip"] else flow[end + "_ip"]  # noqa: E731
        pair = f"{address('src')}:{flow['src_port']},{address('dst')}:{flow['dst_port']}"
        text = subprocess.run(["tshark", "-n", "-q", "-r", path, "-z", f"follow,tcp,raw,{pair}"], capture_output=True, text=True,
                              env=harness.ENVIRONMENT | {"HOME": str(self.folder)}).stdout
        nodes = re.findall(r"^Node (\d): (.*):(\d+)$", text, re.MULTILINE)
        lines = re.findall(r"^(\t?)([0-9a-f]+)$", text, re.MULTILINE)
        if len(nodes) != 2:
            return 0
        first_is_out = int(nodes[0][2]) == flow["src_port"]
        theirs = {"out": b"", "in": b""}
        for tab, digits in lines:
            theirs["out" if (tab == "") == first_is_out else "in"] += bytes.fromhex(digits)
        if b"bytes missing in capture file" in theirs["out"] + theirs["in"]:
            return 0
        self.assertEqual(ours, theirs, f"{path} {pair}")
        return 1


if __name__ == "__main__":
    harness.main()
