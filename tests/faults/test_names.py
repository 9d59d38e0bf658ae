"""Text from the wire: whatever bytes a name has, the record is valid JSON and the bytes can be had back (the stream contract, 5)."""

import itertools
import os
import random
import re

import captures
import harness


def labels_of(name):
    """The labels behind a name of a record, as bytes."""
    def unescape(match):
        text = match.group(1)
        return bytes([int(text[1:], 16)]) if text.startswith("x") else text.encode()

    if name == ".":
        return []
    labels = re.findall(r"(?:[^.\\]|\\.)+", name, re.DOTALL)
    pieces = re.compile(r"\\(x[0-9a-f]{2}|\\|\.)|([^\\])", re.DOTALL)
    return [b"".join(unescape(m) if m.group(1) else m.group(2).encode() for m in pieces.finditer(label)) for label in labels]


def labels_to_try():
    yield [bytes([byte]) for byte in range(0, 100)]
    yield [bytes([byte]) for byte in range(100, 200)]
    yield [bytes([byte]) for byte in range(200, 256)]
    yield [b"\\xff", b"\\\\.", b"..", b"\\"]
    yield ["grüße".encode(), "日本語".encode(), "🙂".encode(), b"\xf0\x9f\x99", b"\x9f\x99\x82"]
    yield [b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\x00", b"\x7f", b"\xc2\x80", b"\xef\xbf\xbe"]
    dice = random.Random(7)
    for _ in range(100):
        yield [dice.randbytes(dice.randint(1, 40)) for _ in range(dice.randint(1, 5))]


class Names(harness.TestCase):
    def sniff(self, payloads, protocol=17, ports=(40000, 53)):
        path = self.temp_dir() / "names.pcap"
        head = captures.udp if protocol == 17 else lambda source, target, data: captures.tcp(source, target, "PA", data)
        path.write_bytes(captures.pcap([captures.Packet(captures.ethernet(captures.ipv4(
            "10.0.0.7", "10.0.0.53", protocol, head(ports[0] + n, ports[1], payload)))) for n, payload in enumerate(payloads)]))
        result = self.run_tool("netsniff", "-r", path)
        self.assert_clean(result)
        self.assertEqual(len(result.records), len(payloads))
        self.assertEqual(result.out.count(b"\n"), len(payloads))
        result.out.decode("utf-8", "strict")
        return result

    def test_dns_names_come_back(self):
        tried = list(labels_to_try())
        for record, labels in zip(self.sniff([captures.dns(1, labels) for labels in tried]).records, tried):
            self.assertEqual(labels_of(record["dns_qname"]), labels)

    def test_different_names_stay_different(self):
        tried = [list(labels) for size in (1, 2) for labels in itertools.product([b".", b"\\", b"\\.", b"\\x2e", b"a"], repeat=size)]
        names = [record["dns_qname"] for record in self.sniff([captures.dns(1, labels) for labels in tried]).records]
        self.assertEqual(len(set(names)), len(names))

    def test_http(self):
        """A method, a target and a host of any bytes: valid JSON, or nothing where it is not HTTP."""
        dice = random.Random(9)
        heads = [b"GET /" + bytes(set(range(256)) - {10, 13, 32}) + b" HTTP/1.1\r\nHost: " + bytes(range(128, 256)) + b"\r\n\r\n"]
        heads += [b"GET " + dice.randbytes(30) + b" HTTP/1.1\r\nHost: " + dice.randbytes(30) + b"\r\n\r\n" for _ in range(200)]
        records = self.sniff(heads, 6, (40000, 80)).records
        self.assertIn("\\xff", records[0]["http_uri"])
        self.assertIn("\\xff", records[0]["http_host"])

    def test_tls_server_name(self):
        names = [b"a\xffb.example", b"a\\b.example", b"nul\0.example", b"quote\".example", b"", b"x" * 300]
        records = self.sniff([captures.client_hello(name) for name in names], 6, (40000, 443)).records
        self.assertEqual([record.get("tls_sni") for record in records[:2]], ["a\\xffb.example", "a\\\\b.example"])
        self.assertEqual(records[2]["tls_sni"], "nul\0.example")

    def test_file_name(self):
        """A file's own name may be no UTF-8 either."""
        path = bytes(self.temp_dir()) + b"/caf\xe9\\.pcap"
        with open(path, "wb") as out:
            out.write(captures.pcap([captures.Packet(b"\0" * 60)]))
        result = self.run_tool("netsniff", "-r", os.fsdecode(path), "--fields", "at_file")
        self.assert_clean(result)
        self.assertTrue(result.records[0]["at_file"].endswith("/caf\\xe9\\\\.pcap"), result.out)


if __name__ == "__main__":
    harness.main()
