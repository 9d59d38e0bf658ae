"""Captures that are no captures, that end too early, or whose lengths lie: what can be read comes out, then one line and status 1."""

import gzip
import lzma
import os
import shutil
import struct
import subprocess

import captures
import harness

DATA = harness.ROOT / "tests" / "data"
MEMORY = 96 << 20  # far below what the lengths here speak of


def frames(count=4):
    return [captures.Packet(captures.ethernet(captures.ipv4("10.0.0.7", "192.0.2.80", 17, captures.udp(1000 + n, 2000, bytes(5 + n)))),
                            n * 10**9) for n in range(count)]


def ends(head, sizes):
    """The offsets behind each of the parts of a file."""
    out = [head]
    for size in sizes:
        out.append(out[-1] + size)
    return out


class Unreadable(harness.TestCase):
    def fails(self, path, pattern):
        result = self.run_tool("netsniff", "-r", path)
        self.assert_fails(result, rf"^netsniff: {path}: {pattern}")
        self.assertEqual(result.out, b"")

    def put(self, content):
        path = self.temp_dir() / "file"
        path.write_bytes(content)
        return path

    def test_empty(self):
        self.fails(self.put(b""), "byte 0: empty file")

    def test_text(self):
        self.fails(self.put(b"hello, this is not a capture\n" * 100), "byte 0: text, not a capture")

    def test_other_binary(self):
        self.fails(self.put(bytes(range(256)) * 8), "byte 0: not a capture")

    def test_short_text(self):
        self.fails(self.put(b"hi"), "byte 0: text, not a capture")

    def test_directory(self):
        self.fails(self.temp_dir(), "is a directory")

    def test_missing(self):
        self.fails(self.temp_dir() / "none", "no such file or directory")

    def test_no_permission(self):
        path = self.put(captures.pcap(frames()))
        path.chmod(0)
        prefix = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
        done = subprocess.run([*prefix, harness.BIN / "netsniff", "-r", path], capture_output=True, env=harness.ENVIRONMENT)
        self.assert_fails(harness.Result(done.returncode, done.stdout, done.stderr), rf"^netsniff: {path}: permission denied")

    def test_device_that_never_ends(self):
        self.fails("/dev/zero", "byte 0: not a capture")

    def test_one_of_several(self):
        """The good files' records are all there, in their order."""
        bad = self.put(b"no capture")
        good = DATA / "mixed.pcap"
        result = self.run_tool("netsniff", "-r", good, "-r", bad, "-r", "/nonexistent", "-r", DATA / "burst.pcap", "--fields", "n")
        self.assertEqual(result.status, 1)
        self.assertEqual([record["n"] for record in result.records], [*range(1, 21), *range(1, 27)])
        self.assertEqual(len(result.messages), 2)


class CutShort(harness.TestCase):
    """A file cut at every length: each whole packet before the cut, then one line with file, byte and cause."""

    def check(self, content, borders, size, header, way="file"):
        path = self.directory / "cut"
        path.write_bytes(content[:size])
        args, name = (["-r", path], path) if way == "file" else (["-r", "-"], "stdin")
        with path.open("rb") as file:
            result = self.run_tool("netsniff", *args, "--fields", "n", stdin=file if way == "stdin" else file.read())
        whole = sum(border <= size for border in borders[1:])
        self.assertEqual([record["n"] for record in result.records], [*range(1, whole + 1)], f"cut at {size}")
        if size in borders or size in header:
            self.assert_clean(result)
            return
        self.assert_fails(result, rf"^netsniff: {name}: byte \d+: \w")
        offset = int(result.messages[0].split("byte ")[1].split(":")[0])
        start = max(border for border in [0, *borders] if border <= size)
        self.assertLessEqual(offset, size)
        if size > borders[0]:
            self.assertGreaterEqual(offset, start, "points into the packet that was cut")

    def setUp(self):
        self.directory = self.temp_dir()

    def test_pcap(self):
        packets = frames()
        content = captures.pcap(packets)
        borders = ends(24, [16 + len(packet.data) for packet in packets])
        for size in range(len(content) + 1):
            self.check(content, borders, size, ())

    def test_pcap_from_standard_input(self):
        packets = frames(2)
        content = captures.pcap(packets)
        borders = ends(24, [16 + len(packet.data) for packet in packets])
        for size in range(0, len(content) + 1, 3):
            self.check(content, borders, size, (), "stdin")
            self.check(content, borders, size, (), "pipe")

    def test_pcapng(self):
        for big_endian in (False, True):
            make = captures.Pcapng(big_endian)
            section, interface = make.section((1, b"a comment")), make.interface(name=b"eth0")
            blocks = [make.packet(packet, comments=[b"note"]) for packet in frames(3)]
            content = section + interface + b"".join(blocks)
            borders = ends(len(section) + len(interface), map(len, blocks))
            for size in range(0, len(content) + 1, 7 if big_endian else 1):
                self.check(content, borders, size, (len(section),))

    def test_gzip(self):
        """Compressed data cut anywhere gives a prefix of the packets, and says so."""
        self.compressed(gzip.compress(captures.pcap(frames(40)), mtime=0), 1)

    def test_xz(self):
        self.compressed(lzma.compress(captures.pcap(frames(40))), 7)

    def test_zstd(self):
        self.compressed(self.piped("zstd", "-q"), 7)

    def test_lz4(self):
        self.compressed(self.piped("lz4", "-q"), 7)

    def piped(self, *command):
        if shutil.which(command[0]) is None:
            self.missing(f"no {command[0]}")
        return subprocess.run(command, input=captures.pcap(frames(40)), capture_output=True, check=True).stdout

    def compressed(self, content, step):
        path = self.directory / "cut"
        for size in [*range(1, len(content), step), len(content) - 1]:
            path.write_bytes(content[:size])
            result = self.run_tool("netsniff", "-r", path, "--fields", "n")
            self.assert_fails(result, rf"^netsniff: {path}: byte \d+: \w")
            numbers = [record["n"] for record in result.records]
            self.assertEqual(numbers, [*range(1, len(numbers) + 1)])
        path.write_bytes(content)
        result = self.run_tool("netsniff", "-r", path, "--fields", "n")
        self.assert_clean(result)
        self.assertEqual(len(result.records), 40)


class CorruptCompression(harness.TestCase):
    def check(self, content):
        """A damaged middle: a prefix of the packets, one line, status 1."""
        path = self.temp_dir() / "damaged"
        damaged = bytearray(content)
        middle = len(damaged) // 2
        damaged[middle : middle + 8] = b"\xff" * 8
        path.write_bytes(damaged)
        result = self.run_tool("netsniff", "-r", path, "--fields", "n")
        self.assert_fails(result, rf"^netsniff: {path}: byte \d+: \w")
        numbers = [record["n"] for record in result.records]
        self.assertEqual(numbers, [*range(1, len(numbers) + 1)])

    def content(self):
        return captures.pcap([captures.Packet(os.urandom(200), n) for n in range(500)])

    def test_gzip(self):
        self.check(gzip.compress(self.content()))

    def test_xz(self):
        self.check(lzma.compress(self.content()))

    def test_magic_only(self):
        for magic in (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18", b"\xfd7zXZ\0"):
            path = self.temp_dir() / "magic"
            path.write_bytes(magic + bytes(30))
            self.assert_fails(self.run_tool("netsniff", "-r", path), rf"^netsniff: {path}: byte \d+: \w")

    def test_small_file_that_swells(self):
        """64 MB out of 300 KB pass through little memory."""
        path = self.temp_dir() / "swells.gz"
        with gzip.open(path, "wb", compresslevel=1) as out:
            out.write(captures.pcap(frames(1)))
            for _ in range(64):
                out.write(bytes(1 << 20))
        result = self.measure_tool("netsniff", "-r", path, "--fields", "n", "greater 1")  # zeros are packets of no bytes
        self.assert_clean(result)
        self.assertEqual([record["n"] for record in result.records], [1])
        if not harness.sanitized():
            self.assertLess(result.peak, MEMORY)


class LyingLengths(harness.TestCase):
    """Sizes in a file are claims: little memory is taken for them, and what stands before them comes out."""

    def check(self, content, packets, cause):
        path = self.temp_dir() / "lies"
        path.write_bytes(content)
        result = self.measure_tool("netsniff", "-r", path, "--fields", "n")
        self.assertEqual([record["n"] for record in result.records], [*range(1, packets + 1)])
        self.assert_fails(result, rf"^netsniff: {path}: byte \d+: .*{cause}")
        if not harness.sanitized():
            self.assertLess(result.peak, MEMORY)

    def test_pcap_record(self):
        for size in (262145, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
            lie = struct.pack("<IIII", 1, 2, size, size) + bytes(100)
            self.check(captures.pcap(frames(3)) + lie, 3, "more than")

    def test_pcap_record_that_the_file_cannot_hold(self):
        self.check(captures.pcap(frames(3)) + struct.pack("<IIII", 1, 2, 262144, 60) + bytes(100), 3, "cut short")

    def test_pcap_length_below_captured(self):
        path = self.temp_dir() / "file"
        path.write_bytes(captures.pcap([captures.Packet(bytes(60), length=10)]))
        result = self.run_tool("netsniff", "-r", path, "--fields", "len,caplen")
        self.assert_clean(result)
        self.assertEqual([(record["len"], record["caplen"]) for record in result.records], [(60, 60)])

    def block(self, kind, said, body=bytes(64), again=None):
        return struct.pack("<II", kind, said) + body + struct.pack("<I", said if again is None else again)

    def pcapng(self, tail):
        return captures.pcapng(frames(2)) + tail

    def test_block_of_4_gb(self):
        for kind in (1, 2, 3, 5, 6, 0x0BAD, 0x80000BAD, 0x0A0D0D0A):
            for said in (0xFFFFFFFC, 0xFFFFFFFF, 0x80000000):
                with self.subTest(kind=kind, said=said):
                    body = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + bytes(64) if kind == 0x0A0D0D0A else bytes(64)
                    self.check(self.pcapng(self.block(kind, said, body)), 2, "")

    def test_block_that_has_4_gb(self):
        """Not a lie this time: an unknown block of 4 GB is passed over in little memory, and the packet behind it is read."""
        size = 0xFFFFFFFC
        path = self.temp_dir() / "sparse"
        with path.open("wb") as out:
            out.write(captures.pcapng(frames(1)) + struct.pack("<II", 0x0BAD, size))
            out.seek(size - 12, os.SEEK_CUR)
            out.write(struct.pack("<I", size) + captures.Pcapng().packet(frames(1)[0]))
        result = self.measure_tool("netsniff", "-r", path, "--fields", "n,at_offset")
        self.assert_clean(result)
        self.assertEqual([record["n"] for record in result.records], [1, 2])
        self.assertGreater(result.records[1]["at_offset"], size)
        if not harness.sanitized():
            self.assertLess(result.peak, MEMORY)

    def test_block_too_small(self):
        for kind in (1, 2, 3, 6, 0x0BAD, 0x0A0D0D0A):
            for said in (0, 1, 4, 8, 11):
                with self.subTest(kind=kind, said=said):
                    body = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + bytes(64) if kind == 0x0A0D0D0A else bytes(64)
                    self.check(self.pcapng(self.block(kind, said, body)), 2, "less than")

    def test_block_lengths_differ(self):
        self.check(self.pcapng(self.block(0x0BAD, 76, again=80)), 2, "differ")

    def test_packet_larger_than_its_block(self):
        body = struct.pack("<IIIII", 0, 0, 0, 1000, 1000) + bytes(44)
        self.check(self.pcapng(self.block(6, len(body) + 12, body)), 2, "too short for a packet of 1000 bytes")

    def test_unknown_interface(self):
        body = struct.pack("<IIIII", 9, 0, 0, 4, 4) + bytes(4)
        self.check(self.pcapng(self.block(6, len(body) + 12, body)), 2, "interface 9")

    def test_option_longer_than_its_block(self):
        body = struct.pack("<HHI", 1, 0, 0) + struct.pack("<HH", 1, 60000) + bytes(8)
        self.check(self.pcapng(self.block(1, len(body) + 12, body)), 2, "option")

    def test_interface_flood(self):
        """Hundreds of thousands of interfaces are kept small, and no time is squared."""
        make = captures.Pcapng()
        content = make.section() + make.interface() * 300_000 + make.packet(frames(1)[0], 299_999)
        path = self.temp_dir() / "flood"
        path.write_bytes(content)
        result = self.measure_tool("netsniff", "-r", path, "--fields", "n", timeout=20)
        self.assert_clean(result)
        self.assertEqual(len(result.records), 1)


class Oddities(harness.TestCase):
    def test_time_that_goes_back(self):
        """Records stay in the order of the file; windows count each packet once, late ones as late."""
        sniffed = self.run_tool("netsniff", "-r", DATA / "backwards.pcap", "--time", "epoch")
        self.assert_clean(sniffed)
        self.assertEqual([record["ts"] - captures.START_S for record in sniffed.records], [10, 0, 3, -captures.START_S, 11])
        windows = self.run_tool("netwindow", "--window", "1s", stdin=sniffed.out)
        self.assertEqual(windows.status, 0, windows)
        totals = [record for record in windows.records if record["type"] == "window_total"]
        self.assertEqual(sum(t["packets"] for t in totals) + sum(t["late_packets"] for t in totals), 5)
        self.assertGreater(sum(t["late_packets"] for t in totals), 0)

    def test_times_at_the_ends_of_time(self):
        """Times that a file can say but 64 bits of nanoseconds can hardly hold: each packet is a record, and counted once, or its
        line refused where its window would end in the year 2262."""
        make = captures.Pcapng()
        content = make.section() + make.interface(digits=9) + make.interface(digits=0)
        for units in (0, 1, 2**63 - 1, 2**63 - 10**9, 2**63, 2**64 - 1, 10**18):
            in_ns, in_s = frames(2)
            in_ns.time_ns, in_s.time_ns = units, units * 10**9
            content += make.packet(in_ns, 0, digits=9) + make.packet(in_s, 1, digits=0)
        path = self.temp_dir() / "ends"
        path.write_bytes(content)
        for window in ("1ns", "5s", "1000d"):
            sniffed = self.run_tool("netsniff", "-r", path, "--local", "10.0.0.7")
            self.assert_clean(sniffed)
            self.assertEqual(len(sniffed.records), 14)
            for record in sniffed.records:
                self.assertRegex(record.get("ts", "1970-"), r"^\d{4}-")
            windows = self.run_tool("netwindow", "--by", "client", "--window", window, stdin=sniffed.out)
            self.assertEqual(windows.status, 1 if windows.messages else 0)
            self.assertLessEqual(len(windows.messages), 3, windows)
            totals = [record for record in windows.records if record["type"] == "window_total"]
            counted = sum(t["packets"] + t["late_packets"] + t["untimed_packets"] for t in totals)
            self.assertEqual(counted + len(windows.messages), 14)
        self.assert_clean(self.run_tool("netsniff", "-r", path, "--replay", "10x", "-c", "2", timeout=5))

    def test_unknown_link_type(self):
        result = self.run_tool("netsniff", "-r", DATA / "unknown_link.pcap", "--fields", "all")
        self.assert_clean(result)
        for record in result.records:
            self.assertEqual(set(record) - {"at_file", "at_offset"}, {"type", "ts", "n", "len", "caplen", "link"})

    def test_packets_of_no_bytes(self):
        path = self.temp_dir() / "file"
        path.write_bytes(captures.pcap([captures.Packet(b"") for _ in range(3)]))
        result = self.run_tool("netsniff", "-r", path)
        self.assert_clean(result)
        self.assertEqual(len(result.records), 3)

    def test_cut_frames(self):
        """Each frame cut at each byte: never a crash, and `caplen` is what was there."""
        frame = max((captures.client_hello(b"secure.example.org"), captures.dns(1, "a.example")), key=len)
        whole = captures.ethernet(captures.ipv4("10.0.0.7", "192.0.2.80", 6, captures.tcp(1, 443, "PA", frame)), tags=[1, 2])
        path = self.temp_dir() / "cuts"
        path.write_bytes(captures.pcap([captures.Packet(whole, cut=size) for size in range(len(whole) + 1)]))
        result = self.run_tool("netsniff", "-r", path, "--fields", "all,info,payload,community_id")
        self.assert_clean(result)
        self.assertEqual([record["caplen"] for record in result.records], [*range(len(whole) + 1)])
        self.assertTrue(all("truncated_at" in record for record in result.records[:-1]))
        self.assertNotIn("truncated_at", result.records[-1])


class MalformedSet(harness.TestCase):
    def test_all_end_well(self):
        """Each file of the damaged set ends by itself, with status 0 or 1, and one line with 1."""
        folder = self.data() / "malformed" / "pcaps"
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                with self.subTest(path.name):
                    result = self.measure_tool("netsniff", "-r", path, "--fields", "all")
                    self.assertIn(result.status, (0, 1), result)
                    self.assertEqual(len(result.messages), result.status, result)
                    self.assertTrue(all(record["type"] == "packet" for record in result.records))
                    if not harness.sanitized():
                        self.assertLess(result.peak, MEMORY)


if __name__ == "__main__":
    harness.main()
