#!/usr/bin/python3
"""Conversations, endpoints and the hierarchy of protocols are tshark's: frames exact, bytes within its rounding."""

import collections
import concurrent.futures
import json
import os
import random
import re
import shutil
import subprocess

import harness

TABLES = [f"{table},{layer}" for table in ("conv", "endpoints") for layer in ("eth", "ip", "ipv6", "tcp", "udp")]
COMMAND = ["tshark", "-n", "-q", "-o", "tcp.desegment_tcp_streams:FALSE", "-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE"]
UNITS = {"bytes": 1, "kB": 1000, "MB": 1000**2, "GB": 1000**3}
TITLES = {"Ethernet": "eth", "IPv4": "ip", "IPv6": "ip", "TCP": "tcp", "UDP": "udp"}
CONVERSATION = re.compile(r"(\S+) +<-> (\S+) +(\d+) (\d+) (\w+) +(\d+) (\d+) (\w+) +(\d+) (\d+) (\w+) ")
# What decoders of ours read alone; of what is inside, tshark knows more.
PLAIN = {"eth", "vlan", "ip", "ipv6", "tcp", "udp", "arp", "icmp", "icmpv6", "sctp", "null", "raw", "llc", "ppp", "pppoes"}
# Damaged on purpose; and Mobile IPv6, of whose packets this Wireshark shows no addresses;
# and IPv6 fragments behind the first, which it does not count.
STRANGE = re.compile("/bitflip/|/fuzz-|mip6_|ipv6-mobile|/frag-29")


class Size(collections.namedtuple("Size", "low high")):
    """A number of bytes as tshark shows it: rounded down to kB when it is large."""

    @classmethod
    def of(cls, number, unit):
        factor = UNITS[unit]
        return cls(int(number) * factor, int(number) * factor + factor)

    def has(self, count):
        return self.low <= count < self.high

    def __add__(self, other):
        return Size(self.low + other.low, self.high + other.high - 1)


def join(end, port):
    """An end as tshark's tables have it."""
    return end if port is None else f"{end}:{port}"


class Statistics:
    """What tshark says of a capture: conversations and endpoints by layer, and the hierarchy by path."""

    def __init__(self, capture):
        command = COMMAND + ["-r", str(capture), "-z", "io,phs"] + [word for table in TABLES for word in ("-z", table)]
        text = subprocess.run(command, capture_output=True, env=harness.ENVIRONMENT, timeout=300, check=False).stdout.decode("utf-8", "replace")
        self.conversations = collections.defaultdict(list)
        self.endpoints = collections.defaultdict(dict)
        self.hierarchy = {}
        title, stack = None, []
        for line in text.splitlines():
            words = line.split()
            if words[-1:] in (["Conversations"], ["Endpoints"]):
                title = words
            elif match := CONVERSATION.match(line):
                a, b, *numbers = match.groups()
                sizes = [(int(numbers[i]), Size.of(*numbers[i + 1:i + 3])) for i in (0, 3, 6)]
                self.conversations[TITLES[title[0]]].append((a, b, sizes))
            elif match := re.match(r"( *)(\S+) +frames:(\d+) bytes:(\d+)", line):
                stack[len(match[1]) // 2:] = [match[2]]
                self.hierarchy[":".join(stack)] = (int(match[3]), int(match[4]))
            elif title and title[1] == "Endpoints" and words and all(word.isdigit() for word in words[-6:]) and len(words) >= 7:
                numbers = [int(word) for word in words[-6:]]
                port = words[1] if len(words) == 8 else None
                self.endpoints[TITLES[title[0]]][join(words[0], port)] = numbers


class Pcapquery(harness.TestCase):
    CAPTURES = 140
    LARGEST = 3_000_000

    def setUp(self):
        if shutil.which("tshark") is None:
            self.missing("no tshark (apt-get install tshark)")
        self.compared = collections.Counter()

    def ask(self, *words):
        result = self.run_tool("pcapquery", *words, timeout=120)
        self.assertIn(result.status, (0, 1), result)  # 1: the capture is cut somewhere
        return result.records

    def test_against_tshark(self):
        captures = sorted((self.data() / "pcaps").rglob("*.pcap*"))
        random.Random(4).shuffle(captures)  # before the choice: so that one more exception changes little
        captures = [path for path in captures if path.stat().st_size < self.LARGEST and not STRANGE.search(str(path))]
        faults = []
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for capture, found in zip(captures, pool.map(self.compare, captures[:self.CAPTURES])):
                faults += [f"{capture.name}: {fault}" for fault in found]
        print(dict(self.compared))
        self.assertFalse(faults, "\n".join(faults[:40]))
        for what, least in (("conversations", 1200), ("endpoints", 1800), ("paths", 300), ("captures", 100)):
            self.assertGreater(self.compared[what], least)

    def compare(self, capture):
        protocols = self.ask("protocols", capture)
        (analysis,) = self.ask("analyze", capture)
        # Of a packet that is malformed tshark counts what it had read by then; without times it counts no hierarchy.
        if not protocols or analysis["malformed_packets"] or "first" not in analysis:
            return []
        expected = Statistics(capture)
        paths = [record["path"] for record in protocols] + list(expected.hierarchy)
        # Of what is inside of tunnels and samples (not of errors) tshark counts the addresses too.
        if any(re.search(r"\b(ip|ipv6)\b.*(?<!icmp:)(?<!icmpv6:)\b(ip|ipv6)\b|\beth\b.*\beth\b|:sflow", path) for path in paths):
            return []
        self.compared["captures"] += 1
        faults = list(self.hierarchy_faults(protocols, expected))
        for layer in ("eth", "ip", "tcp", "udp"):
            faults += self.conversation_faults(layer, capture, expected)
            faults += self.endpoint_faults(layer, capture, expected)
        return faults

    def hierarchy_faults(self, protocols, expected):
        ours = {record["path"]: (record["packets"], record["bytes"]) for record in protocols}
        plain = {path for path in ours | expected.hierarchy if set(path.split(":")) <= PLAIN and not re.search("icmp(v6)?:", path)}
        for path in sorted(plain):
            self.compared["paths"] += 1
            if ours.get(path) != expected.hierarchy.get(path):
                yield f"{path}: {ours.get(path)}, tshark {expected.hierarchy.get(path)}"

    def conversation_faults(self, layer, capture, expected):
        sums = {}
        for a, b, ((in_packets, in_bytes), (out_packets, out_bytes), (packets, size)) in expected.conversations[layer]:
            sides = [(a, out_packets, out_bytes), (b, in_packets, in_bytes)]
            key = tuple(sorted((a, b)))
            before = sums.setdefault(key, [0, Size(0, 1), collections.Counter(), {}, 0])
            before[0] += packets
            before[1] += size
            before[4] += 1
            for end, number, bytes_sent in sides:
                before[2][end] += number
                before[3][end] = before[3].get(end, Size(0, 1)) + bytes_sent
        for record in self.ask("conversations", "--layer", layer, capture):
            self.compared["conversations"] += 1
            ends = [record[key] for key in (("eth_src", "eth_dst") if layer == "eth" else ("src_ip", "dst_ip"))]
            if "src_port" in record:
                ends = [join(ends[0], record["src_port"]), join(ends[1], record["dst_port"])]
            theirs = sums.pop(tuple(sorted(ends)), None)
            if theirs is None:
                yield f"{layer} {ends}: tshark has no such conversation"
                continue
            packets, size, sent, bytes_sent, flows = theirs
            mine = (record["packets"], record["out_packets"] if ends[0] != ends[1] else sent[ends[0]])
            if mine != (packets, sent[ends[0]]) or not size.has(record["bytes"]):
                yield f"{layer} {ends}: {record}, tshark {theirs}"
            elif ends[0] != ends[1] and not (bytes_sent[ends[0]].has(record["out_bytes"]) and bytes_sent[ends[1]].has(record["in_bytes"])):
                yield f"{layer} {ends}: {record}, tshark {theirs}"
            elif layer == "tcp" and record["flows"] != flows:
                yield f"{layer} {ends}: {record['flows']} flows, tshark has {flows} streams"
        for ends in sums:
            yield f"{layer} {ends}: only tshark has it"

    def endpoint_faults(self, layer, capture, expected):
        theirs = dict(expected.endpoints[layer])
        for record in self.ask("endpoints", "--layer", layer, capture):
            self.compared["endpoints"] += 1
            end = join(record["mac" if layer == "eth" else "ip"], record.get("port"))
            mine = [record[key] for key in ("packets", "bytes", "out_packets", "out_bytes", "in_packets", "in_bytes")]
            if theirs.pop(end, None) != mine:
                yield f"{layer} {end}: {mine}, tshark {expected.endpoints[layer].get(end)}"
        for end in theirs:
            yield f"{layer} {end}: only tshark has it"


if __name__ == "__main__":
    harness.main()
