#!/usr/bin/python3
"""A filter as SQL over a capture's parts selects the packets that it matches one by one."""

import random
import subprocess
import time

import harness
from test_filter import WRITTEN, Generator

PROBE = harness.BIN.parent / "tests" / "store_probe"
# Beside Wireshark's names: our own keys, each kind of value and of test, lists, what tunnels hold, sides compared.
OWN = [
    "src_ip == 10.0.0.0/8", "src_ip > 10.0.0.1", "src_ip <= ::1", "dst_ip != ff00::/8", "src_ip < dst_ip", "src_ip === dst_ip", "src_ip in {10.0.0.1..10.255.0.0, ::/0}",
    "all src_ip >= 1.2.3.4", "ip.addr >= 128.0.0.0", "all ip.addr < 224.0.0.0", "any ip.addr < ip.dst", "ip.addr === ip.src", "ip.addr !== ip.dst", "tcp.port == udp.port",
    "ip.addr == 0.0.0.0/1", "ipv6.addr in {fe80::..febf:ffff::, ff02::1}", "src_port > dst_port", "all tcp.port > tcp.dstport", "tcp.port !== tcp.srcport",
    "src_port & 1", "not src_port & 0x8001", "tcp.flags.syn & 1", "tcp.flags.syn > tcp.flags.ack", "tcp.flags.ack == dns.flags.response", "tcp.flags.syn == ip.ttl",
    'tcp_flags == "S"', 'tcp_flags contains "SA"', 'tcp_flags != "A"', "tcp_flags", 'tcp_flags matches "^[sa]+$"', 'tcp_flags < "S"', 'tcp_flags in {"S", "SA", ""}',
    'layers == "eth:ip:udp:dns"', 'layers contains "ip"', 'layers matches ":dns$"', 'not layers matches "^eth:ip"', 'proto == "tcp"', 'proto != "udp"', 'proto in {"icmp", "arp"}',
    'app', 'not app', 'app == "dns"', 'app_port', 'app_port contains "htt"', 'app >= "h"', 'name', 'name contains "."', 'name matches "WWW"', 'name != "x"', 'name === "x"',
    "dns_response", "dns_response == 1", "dns_response != 1", "dns_id > 1000", 'dns_qtype == "A"', 'dns_qtype != "A"', 'dns_rcode == "NXDOMAIN"', "dns.qry.type > 28",
    "dns.qry.type in {1..16, 255}", "dns.qry.type != 1", "dns.qry.type & 1", "dns.flags.rcode == 0", "dns.flags.rcode != 0", "dns.qry.type == dns.flags.rcode",
    "dns_answers", 'dns_answers contains "1"', 'dns_answers != "x"', 'dns_answers matches "[a-f]$"', 'all dns_answers > "1"', 'dns_answers === "x"', 'dns_answers !== "x"',
    'dns_answers in {"127.0.0.1", "x"}', "dns.a", "dns.a == 10.0.0.0/8", "dns.a != 10.0.0.0/8", "dns.a === 0.0.0.0/0", "all dns.a > 100.0.0.0", "dns.a !== 1.2.3.4", "dns.a > ip.src",
    "dns.a == dns.a", "all dns.a == dns.a", "dns.a < dns.a", "ip.src == dns.a", "all dns.aaaa > ::", "not dns.aaaa", "dns.aaaa in {::/1, ff::..ffff::}", 'tls_alpn', 'tls_alpn == "h2"',
    'tls_alpn contains "http"', "tls.handshake.extensions_alpn_str !== \"h2\"", 'tls_version == "1.3"', 'tls_sni contains "e"', "http_status >= 300", 'http_method != "GET"',
    "http_uri contains \"/\"", "http.host === http.host", 'http_host matches "\\\\."', "vlan", "vlan.id != 1", "any vlan.id > 1", "all vlan.id < 100", "vlan_inner", "mpls_label", "pppoe_session",
    "eth_src == ff:ff:ff:ff:ff:ff", "eth.addr in {ff:ff:ff:ff:ff:ff, 00:00:00:00:00:00}", "eth.src < eth.dst", "eth.addr !== ff:ff:ff:ff:ff:ff", "eth_dst >= 01:00:00:00:00:00", "eth_type == 0x0800",
    "all eth.addr > 00:10:00:00:00:00", "caplen < len", "frame.len == frame.cap_len", 'link == "ethernet"', "ip_version == 6", "ip_proto == 17", "dscp", "frag_offset", "ip_id & 1", "ttl in {64, 128..255}",
    "ip.ttl == frame.len", "tcp_window == 0 or tcp_seq < tcp_ack", "tunnel", 'tunnel != "gre"', "inner_src_ip", "inner_src_ip < inner_dst_ip", "inner_src_ip == 10.0.0.0/8", "inner_src_port > 1000",
    "inner_dst_port in {1..1000}", 'inner_proto == "udp"', "not inner_proto", "inner_dst_ip != ::1", "malformed_at", "truncated_at", 'not malformed_at == "tcp"', "at_offset > 1000", "n > 3 and n < 20",
    "ts > \"2005-01-01\"", "ts in {\"1999-01-01\"..\"2012-01-01\"}", "ts == ts", "frame.time_epoch != 0", "frame.time_epoch in {0..1200000000.123456789}", "all ts < \"2040-01-01\"", "not ts",
    'name contains ""', 'name contains "\\xc3"', 'name == "\\xff"', 'name != "\\xff"', 'name > "\\x80"', 'name matches "\\\\x{c3}"', 'name contains "%"', "name contains \"'\"", 'name contains "?"', 'name == "\\x00"',
    "vlan.id == 200", "ieee8021ad.id", "ieee8021ad.id != vlan.id", "sll and udp", "not sll or tcp", "http.request == 1", "http.response", "all http.request == 1",
    "tcp.flags == 0x12", "tcp.flags & 2", "tcp.flags != 16", "tcp.flags > tcp.flags.syn", "dccp.port", "ipv6.fraghdr.ident", "ip.version == 4", 'not name contains ""',
    "udp.length > 40", "udp.length & 8", "icmp_type == 8", "icmp.code != 0", "arp.opcode in {1, 2}", "payload_len == 0", "not (vlan or arp)", "!(tcp.port in {80, 443}) && !dns",
]


class StoreFilter(harness.TestCase):
    SECONDS = 45  # or more, where that is too short for
    TELLING = 1000
    EACH = 80

    def setUp(self):
        if not PROBE.exists():
            self.missing("built without the store")

    def captures(self):
        found = sorted(path for folder in ("pcaps", "malformed") for path in (self.data() / folder).rglob("*")
                       if path.is_file() and path.stat().st_size < 3_000_000)
        random.Random(11).shuffle(found)
        return [harness.ROOT / "tests/data/mixed.pcap", harness.ROOT / "tests/data/tunnels.pcap"] + found

    def test_the_same_packets(self):
        pairs, telling, used, wrong = 0, 0, 0, []
        started = time.monotonic()
        for number, capture in enumerate(self.captures()):
            if telling > self.TELLING and time.monotonic() - started > self.SECONDS:
                break
            done = self.run_tool("netsniff", "-r", capture, "--fields", "all")
            if len(done.records) < 2:
                continue
            generate = Generator(done.records, number)
            filters = (WRITTEN + OWN if number < 8 else OWN[number % 3::3]) + [generate.filter() for _ in range(self.EACH)]
            asked = subprocess.run([PROBE, "select", capture], input="\n".join(filters) + "\n", text=True, capture_output=True, timeout=120,
                                   env=harness.ENVIRONMENT)
            self.assertEqual((asked.returncode, asked.stderr), (0, ""), capture)
            answers = [list(map(int, line.split())) for line in asked.stdout.splitlines()]
            self.assertEqual(len(answers), len(filters))
            used += 1
            for text, (packets, passing, only_sql, only_match) in zip(filters, answers):
                pairs += 1
                telling += 0 < passing < packets
                if only_sql or only_match:
                    wrong.append((str(capture), text, only_sql, only_match))
        print(f"\n{pairs} pairs on {used} captures, {telling} telling, {len(wrong)} differ, {time.monotonic() - started:.0f} s")
        self.assertEqual(wrong, [])
        self.assertGreater(telling, self.TELLING)


if __name__ == "__main__":
    harness.main()
