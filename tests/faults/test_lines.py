"""What netwindow does with lines that are no packet: each is skipped, counted and said; the rest is summed up."""

import json
import os
import subprocess
import time

import harness

MIB = 1 << 20
MEMORY = 128 * MIB


def packet(second=0, length=100, **more):
    record = {"type": "packet", "ts": f"2023-11-14T22:13:{second:02}.000000Z", "len": length, "src_ip": "10.0.0.7", "dst_ip": "192.0.2.80",
              "proto": "udp", "src_port": 1000, "dst_port": 53} | more
    return json.dumps({key: value for key, value in record.items() if value is not None}).encode()


class Lines(harness.TestCase):
    def window(self, lines, *args, end=b"\n"):
        return self.run_tool("netwindow", "--by", "src_ip", *args, stdin=b"\n".join(lines) + end)

    def packets(self, result):
        totals = [record for record in result.records if record["type"] == "window_total"]
        return sum(total["packets"] + total["late_packets"] + total["untimed_packets"] for total in totals)

    def check(self, bad, reason):
        """One bad line among good ones."""
        result = self.window([packet(), bad, packet()])
        self.assert_fails(result, rf"^netwindow: stdin:2: .*{reason}")
        self.assertEqual(self.packets(result), 2)

    def test_no_object(self):
        for bad in (b"text", b"[1]", b"1", b'"x"', b"null", b"{", b'{"type":"packet"', b"}{", b"{}x", b'{"a":1}{"b":2}', b"\xff\xfe", b"{\xff}",
                    b'{"type":"packet",}', b"{'type':'packet'}", b'{"type":}', b"\x00", b'{"type":"packet"\x00}', b'{"type":"pac\x00ket"}'):
            with self.subTest(bad):
                self.check(bad, "expected a JSON object")

    def test_wrong_types(self):
        cases = {"time": packet(ts=True), "no time": packet(ts="yesterday"), "length": packet(length="many"), "negative": packet(length=-1),
                 "fraction": packet(length=1.5), "number": packet(src_ip=10), "port": packet(src_port="x"),
                 "large port": packet(dst_port=70000), "list": packet(src_ip=["10.0.0.7"]), "object": packet(length={})}
        for name, bad in cases.items():
            with self.subTest(name):
                self.check(bad, "expected")

    def test_bytes_that_are_no_text(self):
        """Invalid UTF-8 inside a string makes the line no JSON."""
        self.check(packet().replace(b"udp", b"u\xffp"), "expected")

    def test_escapes(self):
        """NUL, quotes and all else that JSON can say in a key come through as they are."""
        for text in ("nul\0", "quote\"", "back\\slash", "\u2028", "🙂", "\x7f", "a\tb\nc"):
            result = self.run_tool("netwindow", "--by", "name", stdin=packet(name=text) + b"\n")
            self.assert_clean(result)
            self.assertEqual(result.records[0]["name"], text)

    def test_the_first_ten_then_a_count(self):
        result = self.window([b"bad"] * 25 + [packet()])
        self.assertEqual((result.status, len(result.messages)), (1, 11))
        self.assertTrue(result.messages[9].startswith("netwindow: stdin:10: "))
        self.assertIn("15 more lines", result.messages[10])
        self.assertEqual(self.packets(result), 1)

    def test_strict(self):
        result = self.window([packet(), b"bad", packet()], "--strict")
        self.assert_fails(result, "^netwindow: stdin:2: ")
        self.assertEqual(self.packets(result), 1)

    def test_empty_lines_and_line_ends(self):
        result = self.window([b"", packet(), b"", packet() + b"\r", b"\r"])
        self.assert_clean(result)
        self.assertEqual(self.packets(result), 2)

    def test_last_line_without_an_end(self):
        result = self.window([packet(), packet()], end=b"")
        self.assert_clean(result)
        self.assertEqual(self.packets(result), 2)

    def test_cut_anywhere(self):
        """A stream cut at every byte of its last line: the whole lines count; what is left over is said."""
        whole = packet()
        for size in range(len(whole)):
            result = self.run_tool("netwindow", "--by", "src_ip", stdin=whole + b"\n" + whole[:size])
            self.assertEqual((result.status, self.packets(result)), (1 if size else 0, 1), f"cut at {size}")

    def test_unknown_types_are_passed_over(self):
        result = self.window([b'{"type":"weather","ts":5}', b'{"type":"stats"}', b"{}", packet()])
        self.assertEqual(self.packets(result), 1)
        self.assertEqual((result.status, result.messages), (0, []))

    def test_deep_nesting(self):
        """A million brackets use no stack."""
        self.check(b'{"type":"packet","x":' + b"[" * MIB, "expected a JSON object")
        self.check(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "expected")

    def test_empty_input(self):
        self.assertEqual(self.run_tool("netwindow", stdin=b"").status, 0)

    def test_directory(self):
        directory = os.open("/", os.O_RDONLY)
        self.addCleanup(os.close, directory)
        result = self.run_tool("netwindow", stdin=directory)
        self.assert_fails(result, "^netwindow: stdin: is a directory")


class LongLines(harness.TestCase):
    """A line may have 16 MiB; a longer one is skipped, in memory that does not grow with it."""

    def check(self, size, packets, end=b"\n", repeat=1):
        path = self.temp_dir() / "long"
        line = packet(filler="x")
        long = line[:-2] + b"x" * (size - len(line)) + line[-2:]
        self.assertEqual(len(long), size)
        with path.open("wb") as out:
            out.write(packet() + b"\n")
            for _ in range(repeat):
                out.write(long + (b"\n" + packet() + b"\n" if end else b""))
        with path.open("rb") as stdin:
            result = self.measure_tool("netwindow", "--by", "src_ip", stdin=stdin)
        total = sum(record["packets"] for record in result.records if record["type"] == "window_total")
        self.assertEqual(total, packets)
        if not harness.sanitized():
            self.assertLess(result.peak, MEMORY)
        return result

    def test_longest(self):
        self.assert_clean(self.check(16 * MIB, 3))

    def test_one_byte_more(self):
        self.assert_fails(self.check(16 * MIB + 1, 2), "^netwindow: stdin:2: longer than 16 MiB")

    def test_20_mb(self):
        self.assert_fails(self.check(20_000_000, 2), "^netwindow: stdin:2: longer than 16 MiB")

    def test_several(self):
        result = self.check(20_000_000, 6, repeat=5)
        self.assertEqual((result.status, len(result.messages)), (1, 5))

    def test_without_an_end(self):
        self.assert_fails(self.check(20_000_000, 1, end=b""), "^netwindow: stdin:2: longer than 16 MiB")

    def test_zeros(self):
        """A device that never ends a line."""
        head = self.shell("head -c 200000000 /dev/zero | netwindow --by src_ip")
        self.assert_fails(head, "^netwindow: stdin:1: longer than 16 MiB")


class Slow(harness.TestCase):
    """Input that comes in pieces, with pauses, is the same input."""

    def test_netwindow(self):
        process = self.start_tool("netwindow", "--by", "src_ip", stdin=subprocess.PIPE)
        data = packet() + b"\n" + packet(1) + b"\n"
        for start in range(0, len(data), 60):
            os.write(process.stdin.fileno(), data[start : start + 60])
            time.sleep(0.05)
        out, err = process.communicate(timeout=10)
        self.assertEqual((process.returncode, err), (0, b""))
        totals = [json.loads(line) for line in out.splitlines() if b"window_total" in line]
        self.assertEqual(sum(total["packets"] + total["late_packets"] for total in totals), 2)

    def test_netsniff(self):
        """A record comes as soon as its packet is whole: nothing waits for what follows."""
        content = (harness.ROOT / "tests" / "data" / "mixed.pcap").read_bytes()
        process = self.start_tool("netsniff", "-r", "-", "--fields", "n", stdin=subprocess.PIPE, bufsize=0)
        os.set_blocking(process.stdout.fileno(), False)
        borders = [24]
        while borders[-1] < len(content):
            borders.append(borders[-1] + 16 + int.from_bytes(content[borders[-1] + 8 : borders[-1] + 12], "little"))
        sent, out = 0, b""
        for number, border in enumerate(borders[1:6], 1):
            os.write(process.stdin.fileno(), content[sent : border - 1])
            time.sleep(0.15)
            out += process.stdout.read() or b""
            self.assertEqual(out.count(b"\n"), number - 1)
            os.write(process.stdin.fileno(), content[border - 1 : border])
            time.sleep(0.25)
            out += process.stdout.read() or b""
            self.assertEqual(out.count(b"\n"), number)
            sent = border
        os.set_blocking(process.stdout.fileno(), True)
        rest, err = process.communicate(timeout=10)
        self.assertEqual((process.returncode, rest, err), (0, b"", b""))

    def test_compressed(self):
        """The same through a decompressor."""
        line = "gzip -c mixed.pcap | (dd bs=300 count=1 iflag=fullblock 2>/dev/null; sleep 0.3; cat) | netsniff -r - --fields n"
        result = self.shell(line, cwd=harness.ROOT / "tests" / "data")
        self.assert_clean(result)
        self.assertEqual(len(result.records), 20)


if __name__ == "__main__":
    harness.main()
