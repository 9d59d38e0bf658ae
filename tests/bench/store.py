#!/usr/bin/python3
"""make bench-store: pcapingest and pcapquery beside what these questions are asked today, one table.

Each row is measured side by side (A B A B …), output thrown away. The last rows need a capture of 50 million packets,
which is made once (5 GB, and 7 GB in the store): --long.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import measure
import run as common
import rows as table

FIELDS = "-e frame.number -e frame.time_epoch -e frame.len -e ip.src -e ip.dst -e tcp.srcport -e tcp.dstport -e udp.srcport -e udp.dstport"
NAMES = "n ts len src dst tcp_src tcp_dst udp_src udp_dst".split()
MOST_SECONDS = 0.15  # a whole process, on two million packets
COPIES = 25


class Store:
    """Stores in the build directory, and the pipelines over them."""

    def __init__(self, build, environment):
        self.work, self.environment = build / "bench", environment
        self.big = common.make_capture(build)
        self.slice = self.work / "slice.pcap"
        self.duckdb = self.work / "duckdb_query"
        self.root = self.work / "store"
        self.database = self.work / "tshark.duckdb"

    def shell(self, line):
        return subprocess.run(["bash", "-c", f"set -o pipefail; {line}"], env=self.environment, check=True, capture_output=True, text=True).stdout

    def ingest(self, capture, root):
        return f"pcapingest add -q --progress never --store {root} {capture}"

    def prepare(self):
        self.shell(f"tcpdump -r {self.big} -c {table.TSHARK_SLICE} -w {self.slice}")
        shutil.rmtree(self.root, ignore_errors=True)
        record = json.loads(self.shell(self.ingest(self.big, self.root)))
        return record["file_id"]

    def tshark_into_duckdb(self):
        columns = ", ".join(f"'{name}': 'VARCHAR'" for name in NAMES)
        load = f"create table packets as from read_csv('/dev/stdin', header = false, delim = '\t', columns = {{{columns}}})"
        return f'tshark -r {self.slice} -T fields {FIELDS} | {self.duckdb} "{load}"'


def show(title, peer, cost, other, target, good):
    ratio = f"{other.wall / cost.wall:.2f}×" if other else ""
    print(
        f"{title:<40} {peer:<26} {cost.wall:8.3f} {other.wall if other else 0:8.3f} {cost.rss_text():>6} "
        f"{other.rss_text() if other else '':>6} {ratio:>10} {target:>12}  {'pass' if good else 'MISS'}",
        flush=True,
    )
    return good


def versus(store, runs, title, ours, peer, peer_name, target, scale=1, before="true"):
    """`ours` at least `target` times as fast as the peer, for as much work."""
    cost, other = measure.side_by_side([ours, peer], runs, store.environment, before)
    other.wall *= scale
    return show(title, peer_name, cost, other, f"≥ {target:.3g}×", other.wall / cost.wall >= target)


def within(store, runs, title, ours, seconds):
    cost = measure.side_by_side([ours], runs, store.environment)[0]
    return show(title, "", cost, None, f"< {seconds:g} s", cost.wall < seconds)


def ingest_rows(store, runs):
    root, copy = store.work / "store.new", store.work / "copy.bin"
    ours = store.ingest(store.big, root)
    clear = f"rm -rf {root} {copy}"
    floor = f"netsniff -r {store.big} > /dev/null; dd if={store.big} of={copy} bs=1M conv=fsync 2> /dev/null"
    yield versus(store, runs, "ingest, hash, copy and parts", ours, floor, "netsniff, then dd fsync", 1 / 1.5, before=clear)
    scale = table.PACKETS / table.TSHARK_SLICE
    yield versus(store, runs, "the same, per packet", ours, store.tshark_into_duckdb(), "tshark into DuckDB", 20, scale, clear)


def question_rows(store, runs, file_id):
    ask = lambda verb, rest="": f"pcapquery {verb} --store {store.root} {file_id} {rest}"  # noqa: E731
    tshark = lambda what: f"tshark -n -q -r {store.slice} -z {what}"  # noqa: E731
    scale = table.PACKETS / table.TSHARK_SLICE
    for title, ours, peer in [
        ("analyze", ask("analyze"), ""),
        ("conversations of ip", ask("conversations", "--layer ip"), "conv,ip"),
        ("conversations of tcp", ask("conversations", "--layer tcp"), "conv,tcp"),
        ("endpoints of ip", ask("endpoints", "--layer ip"), "endpoints,ip"),
        ("protocols", ask("protocols"), "io,phs"),
        ("timeline", ask("timeline", "--window 1s"), "io,stat,1"),
        ("first page of packets", ask("packets", "--limit 100"), ""),
        ("last page of packets", ask("packets", f"--limit 100 --after {table.PACKETS - 100}"), ""),
        ("one packet's detail", f"pcapquery packet --store {store.root} {file_id} {table.PACKETS // 2}", ""),
    ]:
        yield within(store, runs, title, ours, MOST_SECONDS)
        if peer:
            yield versus(store, runs, title, ours, tshark(peer), f"tshark -z {peer}", 100, scale)


def filter_rows(store, runs, file_id):
    """Against the query that somebody who knows DuckDB and the tables would write."""
    folder = next(store.root.glob(f"parts/*/file_id={file_id}/*"))
    part = lambda name: f"read_parquet('{folder}/{name}-*.parquet', union_by_name = true)"  # noqa: E731
    for where, bare in [
        ("tcp.flags.syn == 1 and tcp.flags.ack == 0", f"select count(*) from {part('packets')} where tcp_flags & 18 = 2"),
        ("udp.port == 53", f"select count(*) from {part('packets')} where flow in (select flow from {part('flows')} where proto = 'udp' and (src_port = 53 or dst_port = 53))"),
        ('dns.qry.name contains "example"', f"select count(*) from {part('events')} where contains(dns_qname, 'example')"),
        ("ip.addr == 10.20.0.10", f"select count(*) from {part('packets')} where flow in (select flow from {part('flows')} where src_ip = '\\x0A\\x14\\x00\\x0A'::BLOB or dst_ip = '\\x0A\\x14\\x00\\x0A'::BLOB)"),
    ]:
        ours = f"pcapquery packets --store {store.root} {file_id} --where '{where}' --limit 1"
        yield versus(store, runs, f"where {where}"[:40], ours, f'{store.duckdb} "{bare}"', "bare DuckDB", 1 / 3)


def long_rows(store):
    capture, root = store.work / "long.pcap", store.work / "store.long"
    if not capture.exists():
        store.shell(f"{store.work / 'multiply'} {store.big} {capture} {COPIES}")
    shutil.rmtree(root, ignore_errors=True)
    cost = measure.run(store.ingest(capture, root), store.environment)
    yield show("ingest of 50 million packets", "", cost, None, "< 1 GB", cost.rss < 1e9)
    file_id = json.loads(store.shell(f"pcapquery files --store {root}"))["file_id"]
    yield within(store, 3, "conversations of 50 million", f"pcapquery conversations --store {root} {file_id} --limit 1000", 1)


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=root / "build", help="build directory (default: build)")
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="measured runs of each side (default 5)")
    parser.add_argument("--only", default="", metavar="REGEX", help="groups of rows: ingest question filter long")
    parser.add_argument("--long", action="store_true", help="with 50 million packets")
    options = parser.parse_args()
    build = options.build.resolve()
    environment = os.environ | {"PATH": f"{build / 'bin'}:{os.environ['PATH']}", "LC_ALL": "C"}
    store = Store(build, environment)
    file_id = store.prepare()
    header = f"{'what':<40} {'against':<26} {'ours s':>8} {'peer s':>8} {'MB':>6} {'MB':>6} {'ratio':>10} {'target':>12}"
    print(header + "\n" + "─" * (len(header) + 6), flush=True)
    groups = {
        "ingest": lambda: ingest_rows(store, options.runs),
        "question": lambda: question_rows(store, options.runs, file_id),
        "filter": lambda: filter_rows(store, options.runs, file_id),
    }
    if options.long:
        groups["long"] = lambda: long_rows(store)
    good = [row for name, group in groups.items() if re.search(options.only, name) for row in group()]
    store.shell(f"rm -rf {store.work / 'store.new'} {store.work / 'copy.bin'}")
    return 0 if good and all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
