#!/usr/bin/env python3
"""The house's rules that no compiler knows: who may include whom, how long a file may be, what may not be committed."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ["base", "ndjson", "record", "packet", "capture", "filter", "net", "catalog", "store", "cli"]
NOT_FOR_CLI = {"catalog", "store"}
HEAVY = re.compile(r"CLI/|simdjson|nlohmann/|pcap|openssl/|archive|toml\+\+/|soci/|hiredis|zlib|boost/(?!asio/(?!ssl)|system/error_code|circular_buffer)")
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')
MOST_LINES = 450
MOST_MAIN_LINES = 15
MOST_BRIDGE_LINES = 6932  # of code. The bridge is to be a small server: this may go down, never up
FOREIGN_PATH = re.compile(rb"/(?:home|root|work|Users|builds?)/[A-Za-z0-9_.-]+")


def committed():
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [ROOT / name.decode() for name in listing.split(b"\0") if name]


def may_include(source, target):
    """Whether a file of `source` (path parts) may include "`target`" (path parts)."""
    if target[0] == "tests":
        return source[0] == "tests"
    if target[0] == "tools":
        return source[0] == "tests" or list(source[:2]) == target[:2]
    if source[0] != "libcommon":
        return True
    own, other = source[1], target[1]
    return FOLDERS.index(other) <= FOLDERS.index(own) and not (own == "cli" and other in NOT_FOR_CLI)


def is_private(path):
    """Whether a header is for the sources beside it alone: what it includes then costs nobody else."""
    name = "/".join(path.parts)
    text = f'#include "{name}"'
    sources = [other for other in committed() if other.suffix in (".h", ".cpp") and other.is_file()]
    users = [other for other in sources if other.relative_to(ROOT).parts[0] != "tests" and text in other.read_text()]
    return all(other.suffix == ".cpp" and other.parent == ROOT / path.parent for other in users)


def line_faults(path, parts, lines):
    for number, line in enumerate(lines, 1):
        if line.startswith('TEST_CASE("-'):
            yield f"{path}:{number}: a name that begins with - is an option to the test program"
        match = INCLUDE.match(line)
        if not match:
            continue
        quote, name = match.groups()
        target = name.split("/")
        if quote == '"' and target[0] not in ("libcommon", "tools", "tests"):
            yield f"{path}:{number}: include from the root of the repository"
        elif quote == '"' and not may_include(parts, target):
            yield f"{path}:{number}: {'/'.join(parts[:2])} may not include {name}"
        elif quote == "<" and path.suffix == ".h" and parts[0] != "tests" and HEAVY.match(name) and not is_private(path):
            yield f"{path}:{number}: <{name}> belongs in a .cpp"


def source_faults(path):
    relative = path.relative_to(ROOT)
    lines = path.read_text().splitlines()
    most = MOST_MAIN_LINES if relative.parts[0] == "tools" and path.name == "main.cpp" else MOST_LINES
    if len(lines) > most:
        yield f"{relative}: {len(lines)} lines, at most {most}"
    yield from line_faults(relative, relative.parts, lines)


def included(path):
    """What a source includes of libcommon, as folders."""
    matches = (INCLUDE.match(line) for line in path.read_text().splitlines())
    return {match.group(2).split("/")[1] for match in matches if match and match.group(2).startswith("libcommon/")}


def code_lines(path):
    """Lines that are neither blank nor a comment alone."""
    lines = (line.strip() for line in path.read_text().splitlines())
    return sum(1 for line in lines if line and not line.startswith("//"))


def bridge_size():
    """Lines of tools/wsbridge and of those folders of libcommon that only it uses, by folder."""
    sources = [path for path in committed() if path.suffix in (".h", ".cpp") and path.is_file()]
    users = {}  # folder of libcommon → who includes it
    for path in sources:
        parts = path.relative_to(ROOT).parts
        if parts[0] in ("libcommon", "tools"):
            for folder in included(path) - {parts[1]}:
                users.setdefault(folder, set()).add(parts[1])
    size = {}
    for path in sources:
        parts = path.relative_to(ROOT).parts
        own = parts[:2] == ("tools", "wsbridge") or (parts[0] == "libcommon" and users.get(parts[1]) == {"wsbridge"})
        if own:
            folder = "/".join(parts[:-1])
            size[folder] = size.get(folder, 0) + code_lines(path)
    return size


def faults():
    size = bridge_size()
    if sum(size.values()) > MOST_BRIDGE_LINES:
        yield f"wsbridge: {sum(size.values())} lines of code, at most {MOST_BRIDGE_LINES}: {size}"
    for path in committed():
        if not path.is_file():
            continue
        if path.suffix in (".h", ".cpp") and path.relative_to(ROOT).parts[0] in ("libcommon", "tools", "tests"):
            yield from source_faults(path)
        content = path.read_bytes()
        for found in {match.group().decode() for match in FOREIGN_PATH.finditer(content)} | (
            {str(ROOT)} if str(ROOT).encode() in content else set()
        ):
            yield f"{path.relative_to(ROOT)}: names a path of one machine: {found}"


if __name__ == "__main__":
    found = list(faults())
    print("\n".join(found) or "in order")
    sys.exit(bool(found))
