"""-w: what is written back is the same packets, byte for byte, in both formats, whole or in turns."""

import struct

import captures
import harness

DATA = harness.ROOT / "tests" / "data"
FIELDS = "all,payload,-at_file,-at_offset"
CUSTOM_BLOCK = b'"link":"65535"'
PACKETS = ["mixed.pcap", "mixed_ns_be.pcap", "several.pcapng", "cut.pcap", "hostile.pcap", "unknown_link.pcap", "kuznetzov.pcap",
           "backwards.pcap"]


class RawCase(harness.TestCase):
    def records(self, path, *more):
        """What a capture holds: all that netsniff knows of each packet, but not where it lies."""
        result = self.run_tool("netsniff", "--fields", FIELDS, "-r", path, *more)
        self.assert_clean(result)
        return result.out

    def write(self, target, *sources, options=()):
        args = [word for source in sources for word in ("-r", source)]
        self.assert_clean(self.run_tool("netsniff", "-q", *args, "-w", target, *options))


class RoundTrip(RawCase):
    def test_pcapng_keeps_everything(self):
        for name in PACKETS:
            with self.subTest(name):
                target = self.temp_dir() / "out.pcapng"
                self.write(target, DATA / name)
                self.assertEqual(self.records(target), self.records(DATA / name))

    def test_second_generation_is_the_same_file(self):
        for name in PACKETS:
            with self.subTest(name):
                folder = self.temp_dir()
                self.write(folder / "first.pcapng", DATA / name)
                self.write(folder / "second.pcapng", folder / "first.pcapng")
                self.assertEqual((folder / "second.pcapng").read_bytes(), (folder / "first.pcapng").read_bytes())

    def test_pcap_is_the_same_file(self):
        for name in ("mixed.pcap", "cut.pcap", "hostile.pcap", "unknown_link.pcap", "none.pcap"):
            with self.subTest(name):
                target = self.temp_dir() / "out.pcap"
                self.write(target, DATA / name)
                packets = (DATA / name).read_bytes()
                self.assertEqual(target.read_bytes()[24:], packets[24:])
                self.assertEqual(target.read_bytes()[20:24], packets[20:24], "link type")

    def test_pcap_with_nanoseconds(self):
        target = self.temp_dir() / "out.pcap"
        self.write(target, DATA / "mixed_ns_be.pcap")
        self.assertEqual(self.records(target), self.records(DATA / "mixed_ns_be.pcap"))
        self.assertEqual(target.read_bytes()[:4], struct.pack("<I", 0xA1B23C4D))

    def test_through_a_pipe(self):
        for form in ("pcap", "pcapng"):
            result = self.shell(f"netsniff -q -r mixed.pcap -w - --format {form} | netsniff -q -r - -w - --format pcap", cwd=DATA)
            self.assert_clean(result)
            self.assertEqual(result.out[24:], (DATA / "mixed.pcap").read_bytes()[24:])

    def test_pcap_cannot_mix_link_types(self):
        """What the format cannot say is a failure, not a wrong file."""
        target = self.temp_dir() / "out.pcap"
        result = self.run_tool("netsniff", "-q", "-r", DATA / "several.pcapng", "-w", target)
        self.assert_fails(result, rf"^netsniff: {target}: .*pcapng")

    def test_several_sources(self):
        target = self.temp_dir() / "out.pcapng"
        self.write(target, DATA / "mixed.pcap", DATA / "unknown_link.pcap", DATA / "mixed_ns_be.pcap")
        self.assertEqual(self.records(target).count(b"\n"), 25)

    def test_comments_stay(self):
        target = self.temp_dir() / "out.pcapng"
        self.write(target, DATA / "several.pcapng")
        content = target.read_bytes()
        for comment in (b"first", "seen ✓".encode(), b"uplink", b"made by hand"):
            self.assertIn(comment, content)

    def test_filter_limit_and_print(self):
        folder = self.temp_dir()
        result = self.run_tool("netsniff", "-q", "-r", DATA / "mixed.pcap", "-w", folder / "out.pcap", "--print", "--fields", "n", "-c", "3",
                               "udp")
        self.assert_clean(result)
        self.assertEqual([record["n"] for record in result.records], [2, 3, 4])
        self.assertEqual(self.records(folder / "out.pcap").count(b"\n"), 3)

    def test_shared_captures(self):
        """Each of the shared captures, written as pcapng, says the same. Custom blocks, which are no packets, are not written."""
        folder = self.data() / "pcaps"
        target = self.temp_dir() / "out.pcapng"
        for path in sorted({*folder.glob("pcapng-test-generator/**/*.pcapng"), *folder.glob("synthetic/container/*")}):
            with self.subTest(path.name):
                self.write(target, path)
                theirs = [line for line in self.records(path, "--fields", FIELDS + ",-n,-iface").splitlines() if CUSTOM_BLOCK not in line]
                self.assertEqual(self.records(target, "--fields", FIELDS + ",-n,-iface").splitlines(), theirs)


class Rotation(RawCase):
    def long(self, packets=300, step_ns=100_000_000):
        path = self.temp_dir() / "long.pcap"
        frame = captures.ethernet(captures.ipv4("10.0.0.7", "192.0.2.80", 17, captures.udp(1000, 2000, bytes(958))))
        path.write_bytes(captures.pcap([captures.Packet(frame, n * step_ns) for n in range(packets)]))
        return path

    def pieces(self, folder):
        return sorted((path for path in folder.iterdir()), key=lambda path: (len(path.name), path.name))

    def assert_whole(self, source, pieces):
        """The pieces, one after the other, are the source."""
        joined = b"".join(path.read_bytes()[24:] for path in pieces)
        self.assertEqual(joined, source.read_bytes()[24:])
        for path in pieces:
            self.assert_clean(self.run_tool("netsniff", "-r", path))

    def test_by_size(self):
        source, folder = self.long(), self.temp_dir()
        self.write(folder / "out.pcap", source, options=["-C", "100k"])
        pieces = self.pieces(folder)
        self.assertEqual([path.name for path in pieces], ["out.pcap", "out.pcap1", "out.pcap2"])
        self.assert_whole(source, pieces)
        for path in pieces:
            self.assertLessEqual(path.stat().st_size, (100 << 10) + 1100)

    def test_ring(self):
        source, folder = self.long(), self.temp_dir()
        self.write(folder / "out.pcap", source, options=["-C", "30k", "-W", "3"])
        pieces = self.pieces(folder)
        self.assertEqual([path.name for path in pieces], ["out.pcap0", "out.pcap1", "out.pcap2"])
        kept = sorted(line for path in pieces for line in self.records(path).splitlines())
        last = self.records(source).splitlines()[-len(kept) :]
        self.assertGreater(len(kept), 60)
        self.assertEqual([line.split(b'"n"')[0] for line in kept], [line.split(b'"n"')[0] for line in last], "the newest are kept")

    def test_by_time(self):
        source, folder = self.long(), self.temp_dir()
        self.write(folder / "out-%H%M%S.pcap", source, options=["-G", "10"])
        pieces = self.pieces(folder)
        self.assertEqual([path.name for path in pieces], ["out-221320.pcap", "out-221330.pcap", "out-221340.pcap"])
        self.assert_whole(source, pieces)

    def test_by_time_and_number(self):
        """-W with -G ends after so many files; what was written is whole."""
        source, folder = self.long(), self.temp_dir()
        self.write(folder / "out-%H%M%S.pcap", source, options=["-G", "10", "-W", "2"])
        pieces = self.pieces(folder)
        self.assertEqual([path.name for path in pieces], ["out-221320.pcap", "out-221330.pcap"])
        self.assertEqual(sum(self.records(path).count(b"\n") for path in pieces), 200)

    def test_what_is_printed_beside_the_last_piece_is_in_it(self):
        folder = self.temp_dir()
        done = self.run_tool("netsniff", "-q", "-r", self.long(), "-w", folder / "out-%H%M%S.pcap", "-G", "10", "-W", "2", "--print")
        self.assertEqual((done.status, done.out.count(b"\n")), (0, 200), done)

    def test_pcapng_pieces_stand_alone(self):
        source, folder = self.long(), self.temp_dir()
        self.write(folder / "out", source, options=["-C", "100k"])
        pieces = self.pieces(folder)
        self.assertEqual([path.name for path in pieces], ["out", "out1", "out2"])
        self.assertEqual(sum(self.records(path).count(b"\n") for path in pieces), 300)

    def test_a_piece_that_cannot_be_made(self):
        folder = self.temp_dir()
        (folder / "out.pcap1").mkdir()
        result = self.run_tool("netsniff", "-q", "-r", self.long(), "-w", folder / "out.pcap", "-C", "100k")
        self.assert_fails(result, r"^netsniff: .*out.pcap1: is a directory")
        self.assertGreater(len(self.records(folder / "out.pcap")), 1000)


if __name__ == "__main__":
    harness.main()
