#!/usr/bin/python3
"""Display filters of netsniff -Y against Wireshark's own engine: the same packets, and the same refusals."""

import random
import shutil
import subprocess

import harness
from sharkd import Sharkd

SECOND_IP = 'frame.protocols matches "(^|:)ip(v6)?:(.*:)?ip(v6)?(:|$)"'
SECRET = 'frame.protocols matches "(tls|http2?|quic):(.*:)?dns"'  # DNS inside of what it has decrypted
OVER = ("http", "tls", "quic")  # applications whose names we give only where the bytes confirm them: ours are among Wireshark's

# Field → how its values look in a filter, of what our own record says. The record's key is what it is compared with.
NUMBERS = {"frame.len": "len", "frame.cap_len": "caplen", "frame.number": "n", "vlan.id": "vlan", "arp.opcode": "arp_op", "ip.ttl": "ttl",
           "ip.proto": "ip_proto", "ip.id": "ip_id", "ip.dsfield.dscp": "dscp", "ipv6.hlim": "ttl", "tcp.srcport": "src_port",
           "tcp.dstport": "dst_port", "tcp.port": "src_port", "udp.port": "dst_port", "udp.srcport": "src_port", "udp.dstport": "dst_port",
           "tcp.len": "payload_len", "tcp.seq_raw": "tcp_seq", "tcp.ack_raw": "tcp_ack", "tcp.window_size_value": "tcp_window",
           "icmp.type": "icmp_type", "icmp.code": "icmp_code", "icmpv6.type": "icmp_type", "dns.id": "dns_id", "udp.length": "payload_len",
           "http.response.code": "http_status", "sctp.port": "src_port", "mpls.label": "mpls_label"}
ADDRESSES = {"ip.src": "src_ip", "ip.dst": "dst_ip", "ip.addr": "src_ip"}
ADDRESSES6 = {"ipv6.src": "src_ip", "ipv6.dst": "dst_ip", "ipv6.addr": "dst_ip"}
MACS = {"eth.src": "eth_src", "eth.dst": "eth_dst", "eth.addr": "eth_src"}
TEXTS = {"dns.qry.name": "dns_qname", "http.host": "http_host", "http.request.method": "http_method", "http.request.uri": "http_uri",
         "tls.handshake.extensions_server_name": "tls_sni"}
FLAGS = ["tcp.flags.syn", "tcp.flags.ack", "tcp.flags.fin", "tcp.flags.reset", "tcp.flags.push", "dns.flags.response"]
PROTOCOLS = ["eth", "arp", "ip", "ipv6", "tcp", "udp", "icmp", "icmpv6", "dns", "dhcp", "ntp", "vlan", "sctp", "gre", "http", "tls", "quic", "igmp",
             "ospf", "esp", "llc", "pppoes", "mpls", "frame", "udp and dns", "ip.proto == 17"]
WRITTEN = [
    "", "tcp", "!tcp", "not udp", "tcp or udp", "tcp && ip", "ip || arp", "not (tcp or udp)", "tcp and not tcp.port == 80", "ip.addr == 10.0.0.0/8",
    "ip.addr != 10.0.0.1", "ip.src == ip.dst", "ip.src < ip.dst", "tcp.srcport > tcp.dstport", "tcp.port == 80", "tcp.port != 80", "tcp.port === 80",
    "tcp.port !== 80", "any tcp.port != 80", "all tcp.port > 1023", "tcp.port in {80, 443, 8000..8080}", "tcp.port not in {80, 443}",
    "not tcp.port in {80,443}", "udp.port in {53 .. 68}", "tcp.flags.syn == 1 and tcp.flags.ack == 0", "tcp.flags.syn == True", "tcp.flags.fin",
    "ip.ttl & 64", "frame.len > 100", "frame.len >= 0x40", "frame.len le 0144", "frame.len == 0b1000000", "frame.number in {1..5, 10}",
    "frame.time >= \"2000-01-01\"", "frame.time < \"2010-06-01 12:00:00\"", "frame.time_epoch > 1000000000.5", "eth.dst == ff:ff:ff:ff:ff:ff",
    "eth.addr == ff-ff-ff-ff-ff-ff", "eth.dst == ffff.ffff.ffff", "dns.qry.name", "dns.qry.name contains \"a\"", "dns.qry.name matches \"^[a-m]\"",
    "dns.qry.name matches \"(?-i)COM$\"", "dns.flags.response == 0", "dns.flags.response", "dns.qry.type == 1", "dns.flags.rcode == 3",
    "dns.qry.type in {1, 28}", "dns.a", "dns.aaaa", "dns.a == 0.0.0.0/0", "ipv6.addr == fe80::/10", "ipv6.dst == ff00::/8", "arp.opcode == 1",
    "icmp.type == 8 or icmp.type == 0", "vlan.id", "vlan.id == 1", "ip.id > 100 and ip.id < 60000", "ip.proto == 6", "dhcp", "ntp or dns",
    "tcp.len > 0 and not http", "tcp.seq_raw > 2147483648", "udp.length > 100", "tcp.window_size_value == 0", "frame.protocols contains \"dns\"",
    "ip.ttl==64||ip.ttl==128&&udp", "(ip.ttl==64||ip.ttl==128)&&udp", "!!tcp", "not not udp", "http.request.method == GET", "http.host > \"m\"",
    "http.response.code >= 400", "tcp.srcport == tcp.dstport || udp.srcport == udp.dstport", "ip.dsfield.dscp != 0", "tcp.ack_raw == 0",
    "tcp.flags == 0x02", "tcp.flags & 0x12", "tcp.flags > 16", "ip.version == 4", "ipv6.version", "ipv6.fraghdr.ident", "ipv6.tclass.dscp == 0", "dccp.port > 0",
    "vlan.id > 1", "ieee8021ad.id", "http.request", "http.response == 1", "sll", "tcp.port any_eq 80", "tcp.port all_ne 80", "dns.qry.name contains \"\\056\"",
    "dns.qry.name contains \"\"", "frame.time > \"2005-01-01 00:00\"",
]
REFUSED = ["tcp.port == x", "tcp.port == 70000", "tcp.port == \"80\"", "tcp.port == 80..90", "tcp.port in {80 443}", "tcp.port in {}", "tcp.port in {80,}",
           "tcp.port ==", "tcp.port == 80 or", "(tcp", "tcp)", "nonsense", "nonsense.field == 1", "ip.src == 5", "ip.src == ::1", "ipv6.src == 1.2.3.4",
           "ip.src == \"10.0.0.1\"", "ip.src matches \"1\"", "ip.src contains 1.2", "ip.ttl 64", "ip.ttl ~ \"6\"", "ip.ttl == 300", "ip.src == eth.src",
           "ip.src == ipv6.src", "frame.len == 100.5", "frame.len == 1e3", "tcp.port == 080", "TCP", "tcp AND udp", "ip.ttl EQ 64", "tcp xor udp",
           "eth.addr == ff:ff:ff", "dns.flags.response == false", "http.request.uri matches \"[\"", "http.host == 'ab'", "tcp udp", "80 == tcp.port",
           "dns.qry.name == \"a\" \"b\"", "frame.time == 5", "tcp.port == 80 # x", "ip.src == 10/8", "and tcp", "not",
           "dns.qry.name matches com", "dns.qry.name == \"\\q\"", "dns.qry.name matches \"\\.com\"", "dns.qry.name == \"\\400\"", "tcp.flags.syn == \"True\""]


class Generator:
    """Filters out of the grammar, with values that the capture has, and some that it has not."""

    def __init__(self, records, seed):
        self.random = random.Random(seed)
        self.values = {}
        for record in records:
            for key, value in record.items():
                kept = self.values.setdefault(key, [])
                if len(kept) < 40 or self.random.random() < 0.1:
                    kept.append(value)

    def pick(self, key):
        return self.random.choice(self.values[key]) if self.values.get(key) else None

    def number(self, name):
        value = self.pick(NUMBERS[name]) if self.random.random() < 0.85 else self.random.randrange(256)
        value = 1 if value is None else value
        value += 8 if name == "udp.length" else 0
        return self.random.choice([str, str, hex])(value)

    def number_test(self):
        name = self.random.choice([name for name in NUMBERS if NUMBERS[name] in self.values] or list(NUMBERS))
        kind = self.random.random()
        if kind < 0.15:
            return f"{name} in {{{self.number(name)}, {self.number(name)}}}"
        if kind < 0.25:
            low, high = sorted((self.number(name), self.number(name)), key=lambda text: int(text, 0))
            return f"{name} in {{{low}..{high}}}"
        if kind < 0.3:
            return f"{name} not in {{{self.number(name)}}}"
        if kind < 0.35:
            return name
        return f"{self.random.choice(['', '', '', 'any ', 'all '])}{name} {self.relation()} {self.number(name)}"

    def relation(self):
        return self.random.choice(["==", "==", "!=", "<", ">", "<=", ">=", "eq", "ne", "lt", "gt", "le", "ge", "===", "!=="])

    def address_test(self):
        six = [value for value in self.values.get("src_ip", []) if ":" in value]
        four = [value for value in self.values.get("src_ip", []) if ":" not in value]
        table, values, longest = (ADDRESSES6, six, 128) if six and (not four or self.random.random() < 0.4) else (ADDRESSES, four or ["10.0.0.1"], 32)
        value = self.random.choice(values)
        name = self.random.choice(list(table))
        if self.random.random() < 0.3:
            return f"{name} {self.random.choice(['==', '!='])} {value}/{self.random.randrange(0, longest + 1)}"
        if self.random.random() < 0.1:
            return f"{name} in {{{value}, {self.random.choice(values)}}}"
        return f"{name} {self.random.choice(['==', '!=', '<', '>', '===', '!=='])} {value}"

    def mac_test(self):
        name = self.random.choice(list(MACS))
        return f"{name} {self.random.choice(['==', '!=', '<', '>='])} {self.pick(MACS[name]) or '00:00:00:00:00:00'}"

    def text_test(self):
        names = [name for name in TEXTS if TEXTS[name] in self.values] or ["dns.qry.name"]
        name = self.random.choice(names)
        value = self.pick(TEXTS[name]) or "example.com"
        if not value or any(c in value for c in "\\\"'[](){}*+?|^$") or not value.isascii():
            value = "com"
        begin = self.random.randrange(len(value))
        part = value[begin:begin + self.random.randrange(1, 6)]
        return self.random.choice([f'{name} == "{value}"', f'{name} != "{value}"', f'{name} contains "{part}"', f'{name} > "{value}"',
                                   f'{name} matches "{part.replace(".", "[.]")}"', name, f'{name} in {{"{value}", "other"}}'])

    def test(self):
        kind = self.random.random()
        if kind < 0.4:
            return self.number_test()
        if kind < 0.58:
            return self.address_test()
        if kind < 0.65:
            return self.mac_test()
        if kind < 0.75:
            return self.text_test()
        if kind < 0.85:
            return self.random.choice(FLAGS) + self.random.choice(["", " == 1", " == 0", " != 1", " == True"])
        return self.random.choice(PROTOCOLS)

    def filter(self, depth=0):
        kind = self.random.random()
        if depth > 3 or kind < 0.45:
            return self.test()
        if kind < 0.58:
            return f"{self.random.choice(['not ', '!'])}({self.filter(depth + 1)})"
        mark = self.random.choice([" and ", " && ", " or ", " || "])
        text = f"{self.filter(depth + 1)}{mark}{self.filter(depth + 1)}"
        return f"({text})" if self.random.random() < 0.5 else text


class Filters(harness.TestCase):
    CAPTURES = 75
    EACH = 34

    def setUp(self):
        if not Sharkd.there():
            self.missing("no sharkd (apt-get install tshark)")
        self.shark = self.start()

    def start(self):
        """One for each capture: it remembers what a filter selected in the one before."""
        shark = Sharkd(self.temp_dir())
        self.addCleanup(shark.close)
        return shark

    def ours(self, capture, text):
        done = self.run_tool("netsniff", "-r", capture, "--fields", "n", "-Y", text)
        self.assertEqual((done.status, done.err), (0, b""), text)
        return {record["n"] for record in done.records}

    def captures(self):
        """Of each kind some, none too large, the same ones each time."""
        found = sorted(path for path in (self.data() / "pcaps").rglob("*") if path.is_file() and path.stat().st_size < 300_000)
        random.Random(4).shuffle(found)
        return found

    def records(self, capture):
        done = self.run_tool("netsniff", "-r", capture, "--fields", "all")
        return done.records if done.status == 0 and len(done.records) > 3 else None

    def compare(self, capture, text, outside):
        """Whether the pair says something: some but not all packets match."""
        theirs, ours = self.shark.frames(text) - outside, self.ours(capture, text) - outside
        self.pairs += 1
        about = [name for name in OVER if name in text]
        if about:
            self.over += 1
            self.over_equal += theirs == ours
        elif theirs != ours:
            self.wrong.append((str(capture.relative_to(self.data())), text, sorted(theirs - ours)[:5], sorted(ours - theirs)[:5]))
        return bool(theirs) and theirs != self.all

    def test_the_same_packets(self):
        self.wrong, self.pairs, self.over, self.over_equal, telling, used = [], 0, 0, 0, 0, 0
        for capture in self.captures():
            records = self.records(capture)
            if records is None or used == self.CAPTURES:
                continue
            self.shark = self.start()
            try:
                self.shark.load(capture)
            except ValueError:
                continue
            used += 1
            outside = self.shark.frames(SECOND_IP) | self.shark.frames(SECRET) | self.shark.frames("_ws.malformed or _ws.short")
            self.all = self.shark.frames() - outside
            generate = Generator(records, used)
            for text in WRITTEN[used % 5::5] + [generate.filter() for _ in range(self.EACH)]:
                telling += self.compare(capture, text, outside)
        print(f"\n{self.pairs} pairs, {telling} telling, {self.over} with {'/'.join(OVER)} of which {self.over_equal} equal, {len(self.wrong)} differ")
        self.assertEqual(self.wrong, [], f"{len(self.wrong)} of {self.pairs}")
        self.assertGreaterEqual(telling, 1000)

    def test_the_same_refusals(self):
        capture = self.captures()[0]
        for text in REFUSED:
            with self.subTest(text):
                self.assertTrue(self.shark.refuses(text), "Wireshark takes it")
                done = self.run_tool("netsniff", "-r", capture, "-Y", text)
                self.assertEqual(done.status, 2, done)
                self.assertRegex(done.err.decode(), r"^netsniff: -Y: column \d+: ")
        for text in WRITTEN:
            self.assertFalse(self.shark.refuses(text), text)


class Selected(harness.TestCase):
    """What passes -Y is what is written and what is counted."""

    CAPTURE = harness.ROOT / "tests/data/mixed.pcap"
    FILTERS = ["tcp", "!tcp", "udp.port == 53 or arp", "ip.ttl < 64 and frame.number > 20", "dns.qry.name", "frame.len < 0"]
    HEADER = 24  # of a pcap file: what stands behind it are the packets

    def numbers(self, *args, **options):
        done = self.run_tool("netsniff", "-q", *args, "--fields", "n", **options)
        self.assert_clean(done)
        return [record["n"] for record in done.records]

    def written(self, *args):
        """Of -w: the packets, as bytes."""
        path = self.temp_dir() / "ours.pcap"
        done = self.run_tool("netsniff", "-q", "-r", self.CAPTURE, "-w", path, *args)
        self.assert_clean(done)
        self.assertEqual(done.out, b"")
        return path.read_bytes()[self.HEADER:]

    def test_written_are_those_that_pass(self):
        if not shutil.which("tshark"):
            self.missing("no tshark (apt-get install tshark)")
        whole = self.written()
        self.assertEqual(whole, self.CAPTURE.read_bytes()[self.HEADER:])
        for text in self.FILTERS:
            with self.subTest(text):
                theirs = self.temp_dir() / "theirs.pcap"
                subprocess.run(["tshark", "-r", self.CAPTURE, "-Y", text, "-F", "pcap", "-w", theirs], env=harness.ENVIRONMENT, check=True,
                               capture_output=True, timeout=60)
                ours = self.written("-Y", text)
                self.assertEqual(ours, theirs.read_bytes()[self.HEADER:])
                self.assertNotEqual(ours, whole)

    def test_written_and_printed(self):
        path = self.temp_dir() / "ours.pcapng"
        passing = self.numbers("-r", self.CAPTURE, "-Y", "udp")
        self.assertGreater(len(passing), 3)
        self.assertEqual(self.numbers("-r", self.CAPTURE, "-Y", "udp", "-w", path, "--print"), passing)
        self.assertEqual(len(self.numbers("-r", path)), len(passing))
        self.assertEqual(self.numbers("-r", path, "-Y", "not udp"), [])

    def test_a_limit_counts_those_that_pass(self):
        passing = self.numbers("-r", self.CAPTURE, "-Y", "udp")
        self.assertNotEqual(passing[:3], [1, 2, 3])
        self.assertEqual(self.numbers("-r", self.CAPTURE, "-Y", "udp", "-c", "3"), passing[:3])
        self.assertTrue(self.written("-Y", "udp").startswith(self.written("-Y", "udp", "-c", "3")))
        # It is done then, while its input goes on.
        tool = self.start_tool("netsniff", "-q", "-r", "-", "--fields", "n", "-Y", "udp", "-c", "3", stdin=subprocess.PIPE)
        tool.stdin.write(self.CAPTURE.read_bytes())
        tool.stdin.flush()
        self.assertEqual(tool.wait(timeout=20), 0)
        self.assertEqual(len(tool.stdout.read().splitlines()), 3)


if __name__ == "__main__":
    harness.main()
