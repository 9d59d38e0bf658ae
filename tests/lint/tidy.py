#!/usr/bin/env python3
"""clang-tidy over our own sources: tidy.py BUILD JOBS. A file that was found clean is not looked at again until it, a
header or the rules change: stamps lie in BUILD/tidy."""

import concurrent.futures
import hashlib
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TIDY = "clang-tidy-19"


def common_digest():
    """Of all that a result rests on beside the file itself."""
    digest = hashlib.sha256((ROOT / ".clang-tidy").read_bytes())
    for path in sorted([*ROOT.glob("libcommon/**/*.h"), *ROOT.glob("tools/**/*.h")]):
        digest.update(path.read_bytes())
    return digest


def check(build, path):
    done = subprocess.run(
        [TIDY, "-p", str(build), "--quiet", "--warnings-as-errors=*", str(path)], capture_output=True, text=True
    )
    return done.returncode, done.stdout


def main(build, jobs):
    build = pathlib.Path(build).resolve()
    stamps = build / "tidy"
    stamps.mkdir(exist_ok=True)
    common = common_digest()
    work = []
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["file"])
        if path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in ("libcommon", "tools"):
            digest = common.copy()
            digest.update(path.read_bytes())
            stamp = stamps / digest.hexdigest()
            if not stamp.exists():
                work.append((path, stamp))
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for (path, stamp), (status, text) in zip(work, pool.map(lambda item: check(build, item[0]), work)):
            if status == 0:
                stamp.touch()
            else:
                failed += 1
                print(text.replace(f"{ROOT}/", ""))
    print(f"{TIDY}: {len(work)} files looked at, {failed} with findings")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
