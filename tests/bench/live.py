#!/usr/bin/python3
"""make bench-live: how much netsniff captures without loss, beside tcpdump, and how long a packet takes to its line.

In two network namespaces joined by a veth pair. Needs root; rates depend on what else the machine does.
"""

import argparse
import base64
import json
import os
import pathlib
import re
import signal
import struct
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))
import netns  # noqa: E402

HIGHEST_RATE = 2_000_000  # packets a second, more than the generator can do
PRECISION = 1.05  # the search ends when the lowest rate with loss is so near the highest without
SETTLE = 0.7  # seconds that a program gets to begin, and to read what is left


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help="build directory (default: build)")
    parser.add_argument("--seconds", type=float, default=2, help="length of one probe of the search (default 2)")
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="searches of each side; the median counts (default 3)")
    parser.add_argument("--slow-count", type=int, default=300, metavar="N", help="packets of the row at 10/s (default 300: half a minute)")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the numbers there too")
    return parser.parse_args()


class Wire:
    """The veth pair: frames go out on the left, programs listen on the right."""

    def __init__(self, net, build):
        self.net, self.blast_program = net, build / "bench" / "blast"
        self.environment = os.environ | {"PATH": f"{build / 'bin'}:{os.environ['PATH']}"}

    def blast(self, rate, seconds):
        """Sends; returns what the generator says, with `counted`: what the interface on the right received."""
        before = self.net.counter("right", "rx_packets")
        argv = [self.blast_program, "--interface", "veth0", "--rate", int(rate), "--count", int(rate * seconds)]
        report = json.loads(self.net.run("left", argv, timeout=60 + 10 * seconds).stdout)
        return report | {"counted": self.net.counter("right", "rx_packets") - before}

    def listen(self, argv, stdout):
        process = self.net.popen("right", argv, stdout=stdout, stderr=subprocess.PIPE, env=self.environment)
        time.sleep(SETTLE)
        return process

    def end(self, process):
        """Ends a listener; what it said on standard error."""
        time.sleep(SETTLE)
        process.send_signal(signal.SIGINT)
        message = process.stderr.read().decode()
        process.wait(30)
        return message


TCPDUMP = ["tcpdump", "-n", "-l", "-i", "veth0"]
NETSNIFF = ["netsniff", "-i", "veth0"]


def probe(wire, argv, rate, seconds):
    """Sends at `rate` while a program writes into `cat > /dev/null`: the rate that was reached, and the packets lost."""
    sink = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    process = wire.listen(argv, sink.stdin)
    sink.stdin.close()
    report = wire.blast(rate, seconds)
    message = wire.end(process)
    sink.wait(30)
    captured = int(re.search(r"(\d+) packets? captured", message)[1])
    dropped = int(re.search(r"(\d+)(?: packets?)? dropped by (?:the )?kernel", message)[1])
    return report["rate_pps"], max(dropped, report["counted"] - captured)


def capacity(wire, argv, seconds):
    """The highest rate without a lost packet, by doubling and halving. The generator itself may be the end of it."""
    good, bad, rate = 0, HIGHEST_RATE * PRECISION, 50_000
    while bad / max(good, 1) > PRECISION:
        reached, lost = probe(wire, argv, rate, seconds)
        print(f"  {argv[0]}: {reached:,.0f}/s: {lost:,} lost", flush=True)
        if lost == 0:
            good = max(good, reached)
            if reached < rate * 0.95:
                break
        else:
            bad = min(bad, rate)
        rate = rate * 2 if bad > HIGHEST_RATE and rate * 2 < bad else (good + bad) / 2
    return good


def measure_delays(wire, rate, count):
    """Seconds from the sending of a packet to its line being read, of `count` packets at `rate`."""
    process = wire.listen([*NETSNIFF, "--fields", "ts,payload", "--payload=24"], subprocess.PIPE)
    sender = wire.net.popen(
        "left", [wire.blast_program, "--interface", "veth0", "--rate", int(rate), "--count", count], stdout=subprocess.PIPE
    )
    delays = []
    pending = b""
    while len(delays) < count:
        block = os.read(process.stdout.fileno(), 1 << 20)
        now = time.time_ns()
        *lines, pending = (pending + block).split(b"\n")
        for line in lines:
            stamp = base64.b64decode(line[line.index(b'"payload":"') + 11 :].split(b'"', 1)[0])
            delays.append((now - struct.unpack_from(">Q", stamp, 16)[0]) / 1e9)
    sender.communicate(timeout=60)
    wire.end(process)
    return delays


def whole_at(wire, rate, seconds):
    """Every packet that the interface counted is a record? Counted lines, and the count."""
    counter = subprocess.Popen(["wc", "-l"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process = wire.listen(NETSNIFF, counter.stdin)
    counter.stdin.close()
    report = wire.blast(rate, seconds)
    wire.end(process)
    with counter:
        return int(counter.stdout.read()), report["counted"]


def median(values):
    return sorted(values)[len(values) // 2]


class Table:
    def __init__(self):
        self.results = []

    def add(self, what, value, target, passed):
        self.results.append({"what": what, "value": value, "target": target, "verdict": "pass" if passed else "MISS"})

    def show(self):
        for row in self.results:
            print(f"{row['what']:<58} {row['value']:>26} {row['target']:>12}  {row['verdict']}")


def run(wire, options):
    table = Table()
    found = {"tcpdump": [], "netsniff": []}
    for _ in range(options.runs):
        for argv in (TCPDUMP, NETSNIFF):
            found[argv[0]].append(capacity(wire, argv, options.seconds))
    theirs, ours = median(found["tcpdump"]), median(found["netsniff"])
    table.add("capacity, packets/s: netsniff / tcpdump -n -l", f"{ours:,.0f} / {theirs:,.0f} = {ours / theirs:.1f}×", "≥ 3×", ours >= 3 * theirs)

    half = ours / 2
    records, counted = whole_at(wire, half, 10)
    table.add(f"10 s at half of it ({half:,.0f}/s): records / counted", f"{records:,} / {counted:,}", "all", records == counted)

    slow = measure_delays(wire, 10, options.slow_count)
    table.add(f"slowest of {options.slow_count:,} packets at 10/s, to its line", f"{max(slow) * 1e3:.1f} ms", "< 100 ms", max(slow) < 0.1)
    fast = measure_delays(wire, half, 10_000)
    table.add("slowest of 10,000 packets at half of capacity", f"{max(fast) * 1e3:.1f} ms", "< 100 ms", max(fast) < 0.1)
    return table


def main():
    options = arguments()
    if os.geteuid() != 0:
        print("live.py: needs root for network namespaces", file=sys.stderr)
        return 1
    with netns.Veth() as net:
        table = run(Wire(net, options.build.resolve()), options)
    table.show()
    if options.json:
        options.json.write_text(json.dumps(table.results, indent=1) + "\n")
    return 0 if all(row["verdict"] == "pass" for row in table.results) else 1


if __name__ == "__main__":
    sys.exit(main())
