#!/usr/bin/python3
"""What pcapng says of packets in comments: shown with the packet, from a path and from a store, as tshark has them."""

import random
import re
import shutil
import struct
import subprocess
import xml.etree.ElementTree

import captures
import harness

DATAGRAM = captures.ethernet(captures.ipv4("10.0.0.1", "10.0.0.2", 17, captures.udp(1000, 2000, b"payload")))
ENHANCED, OLD, SIMPLE = 6, 2, 3


def old_packet(make, packet, comments=()):
    """The block that was before the enhanced one: of the same length."""
    block = bytearray(make.packet(packet, comments=comments))
    struct.pack_into(make.order + "I", block, 0, OLD)
    struct.pack_into(make.order + "HH", block, 8, 0, 0)  # interface, drops
    return bytes(block)


def shown(comment):
    """As records have text: up to a NUL, bytes that are no UTF-8 as \\xNN."""
    return comment.partition(b"\0")[0].replace(b"\\", rb"\\").decode(errors="backslashreplace")


class Comments(harness.TestCase):
    def setUp(self):
        self.folder = self.temp_dir()
        self.store = ["--store", self.folder / "store"]
        self.path = self.folder / "c.pcapng"

    def query(self, *args, **options):
        return self.run_tool("pcapquery", *args, *self.store, **options)

    def found(self, capture, number):
        """The comments that packet `number` has, and that nothing else is said of it."""
        done = self.query("packet", capture, number)
        self.assert_clean(done)
        tree = done.records[1]["tree"]
        frames = [layer for layer in tree if layer["name"] == "frame"]
        self.assertEqual(tree[:1] if frames else [], frames)
        fields = [field for layer in frames for field in layer["fields"]]
        self.assertTrue(all((field["key"], field["offset"], field["length"]) == ("frame.comment", 0, 0) for field in fields))
        return [field["value"] for field in fields]

    def both(self, content, number):
        """From a path and from a store."""
        self.path.write_bytes(content)
        file_id = self.run_tool("pcapingest", "add", "-q", *self.store, self.path).records[0]["file_id"]
        here, there = self.found(self.path, number), self.found(file_id, number)
        self.assertEqual(here, there)
        return here

    def test_those_of_tshark(self):
        """Every kind of block, both byte orders, any length."""
        if shutil.which("tshark") is None:
            self.missing("no tshark (apt-get install tshark)")
        rng, letters, content, count = random.Random(4), "ab <>&'\"\\ñ€😀%", b"", 0
        for big_endian in (False, True, False):
            make = captures.Pcapng(big_endian)
            content += make.section((1, b"of the section")) + make.interface(comment=b"of the interface")
            for _ in range(6):
                packet = captures.Packet(DATAGRAM, count, cut=rng.randrange(len(DATAGRAM)) if rng.random() < 0.5 else None)
                comments = ["".join(rng.choices(letters, k=rng.choice((0, 1, 7, 200)))).strip().encode() for _ in range(rng.randrange(4))]
                kind = rng.choice((ENHANCED, ENHANCED, OLD, SIMPLE))
                content += (make.simple_packet(captures.Packet(DATAGRAM)) if kind == SIMPLE else
                            old_packet(make, packet, comments) if kind == OLD else make.packet(packet, comments=comments))
                count += 1
        self.path.write_bytes(content)
        file_id = self.run_tool("pcapingest", "add", "-q", *self.store, self.path).records[0]["file_id"]
        text = subprocess.run(["tshark", "-n", "-r", self.path, "-T", "pdml"], check=True, capture_output=True,
                              env=harness.ENVIRONMENT | {"HOME": str(self.folder)}).stdout
        # It cuts what it shows to people in the midst of a character.
        packets = xml.etree.ElementTree.fromstring(text.decode(errors="replace")).findall("packet")
        theirs = [[field.get("show") for field in packet.iterfind("proto/field[@name='frame.comment']")] for packet in packets]
        self.assertEqual(len(theirs), count)
        self.assertGreater(sum(map(len, theirs)), 10)
        ours = [self.found(capture, n + 1) for capture in (self.path, file_id) for n in range(count)]
        self.assertEqual([[text.replace("\\\\", "\\") for text in texts] for texts in ours], theirs * 2)

    def test_hostile_bytes(self):
        rng, make = random.Random(5), captures.Pcapng()
        comments = [b"", b"bad\xff\xfeutf\x80", "cut é".encode()[:-1], b"nul\0behind", b"two\nlines\t\x1b[31m", b"\\x41", b"\xed\xa0\x80", b"\0",
                    bytes(rng.randrange(1, 256) for _ in range(300))]
        file = make.section() + make.interface() + make.packet(captures.Packet(DATAGRAM), comments=comments)
        self.assertEqual(self.both(file, 1), [shown(comment) for comment in comments])
        table = self.query("packet", self.path, 1, "-t")
        self.assertNotRegex(table.out, rb"[\x00-\x09\x0b-\x1f\x7f]")
        self.assertEqual(len(re.findall(rb"^frame\.comment ", table.out, re.MULTILINE)), len(comments))

    def test_bounds(self):
        make = captures.Pcapng()
        head = make.section() + make.interface()
        self.assertEqual(self.both(head + make.packet(captures.Packet(DATAGRAM), comments=["é".encode() * 30000]), 1), ["é" * 2048])
        many = [f"{n}".encode() for n in range(5000)]
        self.assertEqual(self.both(head + make.packet(captures.Packet(DATAGRAM), comments=many), 1), [str(n) for n in range(100)])

    def test_what_only_looks_like_comments(self):
        """In a pcap, and in front of a simple packet's block, stands what others chose."""
        make = captures.Pcapng()
        block = make.packet(captures.Packet(DATAGRAM), comments=[b"no comment"])
        self.assertEqual(self.both(captures.pcap([captures.Packet(block), captures.Packet(DATAGRAM)]), 1), [])
        self.assertEqual(self.both(make.section() + make.interface() + make.simple_packet(captures.Packet(block)), 1), [])

    def test_a_cut_keeps_them(self):
        comments = [b"", b"one", "zwölf".encode()]
        make = captures.Pcapng()
        file = make.section() + make.interface() + b"".join(make.packet(captures.Packet(DATAGRAM), comments=comments[:n]) for n in range(4))
        self.path.write_bytes(file)
        cut = self.folder / "cut.pcapng"
        self.assertEqual(self.query("export", self.path, "-w", cut).status, 0)
        self.assertEqual([self.found(cut, n + 1) for n in range(4)], [list(map(bytes.decode, comments[:n])) for n in range(4)])

    def test_filters_know_none(self):
        self.path.write_bytes(captures.pcap([captures.Packet(DATAGRAM)]))
        for tool in (["pcapquery", "packets", self.path, *self.store], ["netsniff", "-r", self.path]):
            done = self.run_tool(*tool, "-Y", 'udp && frame.comment contains "x"')
            self.assert_fails(done, 'column 8: "frame.comment" is no field', 2)


if __name__ == "__main__":
    harness.main()
