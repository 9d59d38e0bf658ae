#!/usr/bin/python3
"""make bench: Wireline beside the programs that people use today, one table.

Every row is measured side by side (A B A B …), output into a `cat` that throws it away; first both sides must give the
same answer. Ratio: how many times as fast as the peer. RSS: the largest single process of the pipeline.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys

import measure
import rows as table

SEED = 2026


def arguments():
    root = pathlib.Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=root / "build", help="build directory (default: build)")
    parser.add_argument("--only", default="", metavar="REGEX", help="rows whose title or peer matches")
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="measured runs of each side (default 5)")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the numbers there too")
    return parser.parse_args()


def make_capture(build):
    """The capture is made once and kept."""
    work = build / "bench"
    big = work / "big.pcap"
    maker = work / "make_capture"
    if not big.exists() or big.stat().st_mtime < maker.stat().st_mtime:
        new = work / "big.pcap.new"
        subprocess.run([maker, "--packets", str(table.PACKETS), "--seed", str(SEED), "--out", new], check=True)
        new.rename(big)
    return big


def judge(row, bench, runs):
    """One row's numbers as a dictionary."""
    result = {"title": row.title, "peer": row.peer_name, "target": row.target or row.rss_limit}
    if not table.installed(row):
        return result | {"verdict": "peer not installed"}
    try:
        row.check()
        costs = measure.side_by_side([row.ours] + ([row.peer] if row.peer else []), runs, bench.environment)
    except (table.Differs, measure.Failed) as problem:
        return result | {"verdict": "WRONG", "problem": str(problem)}
    ours = costs[0]
    result |= {"ours_s": getattr(ours, row.metric), "ours_rss_mb": ours.rss_text()}
    if not row.peer:
        return result | {"verdict": "pass" if ours.rss / 1e6 < row.rss_limit else "MISS"}
    peer = costs[1]
    peer_seconds = getattr(peer, row.metric)
    ratio = peer_seconds / row.scale / result["ours_s"]
    return result | {
        "peer_s": peer_seconds,
        "peer_rss_mb": peer.rss_text(),
        "ratio": ratio,
        "verdict": "pass" if ratio >= row.target else "MISS",
    }


def show(result):
    def number(key, form):
        return form.format(result[key]) if key in result else ""

    target = f"≥ {result['target']:g}×" if result["peer"] else f"< {result['target']:g} MB"
    print(
        f"{result['title']:<38} {result['peer']:<19} {number('ours_s', '{:8.3f}'):>8} {number('peer_s', '{:8.3f}'):>8} "
        f"{result.get('ours_rss_mb', ''):>6} {result.get('peer_rss_mb', ''):>6} {number('ratio', '{:.2f}×'):>9} "
        f"{target:>8}  {result['verdict']}",
        flush=True,
    )
    if "problem" in result:
        print(f"    {result['problem']}", flush=True)


def main():
    options = arguments()
    build = options.build.resolve()
    environment = os.environ | {"PATH": f"{build / 'bin'}:{os.environ['PATH']}", "LC_ALL": "C"}
    big = make_capture(build)
    bench = table.Bench(big, build / "bench", environment, build / "bench" / "duckdb_query")
    bench.prepare()
    print(f"{big}: {bench.truth['packets']:,} packets, {big.stat().st_size / 1e6:,.0f} MB; medians of {options.runs} runs\n")
    header = f"{'what':<38} {'against':<19} {'ours s':>8} {'peer s':>8} {'MB':>6} {'MB':>6} {'ratio':>9} {'target':>8}"
    print(header + "\n" + "─" * (len(header) + 6), flush=True)
    results = []
    for row in bench.rows():
        if re.search(options.only, f"{row.title} {row.peer_name}"):
            results.append(judge(row, bench, options.runs))
            show(results[-1])
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    return 0 if results and all(result["verdict"] in ("pass", "peer not installed") for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
