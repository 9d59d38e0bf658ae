#!/usr/bin/env python3
"""Golden tests: run.py TOOL [CASE…] [--update]

A case is a folder tests/golden/<tool>/<case>/ with
    cmd      one shell line, run by sh in that folder with the built tools first on PATH
    stdin    optional: its standard input
    stdout   what it must print, to the byte
    stderr   optional: likewise (without the file standard error must be empty)
    status   optional: its exit status, 0 without the file
Every line of stdout that is a JSON object is also held against the tool's own --schema=json, unless the case has a file
`no_schema`. --update rewrites stdout, stderr and status: read the diff before you commit it.
"""

import argparse
import difflib
import json
import pathlib
import subprocess
import sys

import jsonschema

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
import harness  # noqa: E402


def schema_of(tool):
    done = subprocess.run([str(harness.BIN / tool), "--schema=json"], capture_output=True, env=harness.ENVIRONMENT, check=True)
    schema = json.loads(done.stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    return {variant["properties"]["type"]["const"]: jsonschema.Draft202012Validator(variant) for variant in variants(schema)}


def variants(schema):
    """The schema of each record type, with what they share put in."""
    for variant in schema["oneOf"]:
        yield variant | {"$defs": schema.get("$defs", {})}


def breaches(line, validators):
    """What is wrong with one line of output, by the stream contract and the schema."""
    try:
        record = json.loads(line)
    except ValueError as error:
        return [f"no JSON: {error}"]
    if not isinstance(record, dict):
        return ["no object"]
    keys = list(record)
    found = []
    if keys[:1] != ["type"]:
        found.append("`type` is not the first key")
    if "ts" in record and keys[1] != "ts":
        found.append("`ts` is not the second key")
    validator = validators.get(record.get("type"))
    if validator is None:
        return found + [f"type {record.get('type')!r} is not in the schema"]
    return found + [f"{'.'.join(map(str, error.path))}: {error.message}" for error in validator.iter_errors(record)]


def content(case, name):
    path = case / name
    return path.read_bytes() if path.exists() else b""


def execute(case):
    command = (case / "cmd").read_text()
    stdin = (case / "stdin").open("rb") if (case / "stdin").exists() else subprocess.DEVNULL
    done = subprocess.run(["sh", "-c", command], cwd=case, stdin=stdin, capture_output=True, env=harness.ENVIRONMENT, timeout=60)
    return {"stdout": done.stdout, "stderr": done.stderr, "status": b"%d\n" % done.returncode}


def expected(case):
    return {"stdout": content(case, "stdout"), "stderr": content(case, "stderr"), "status": content(case, "status") or b"0\n"}


def update(case, actual):
    for name, value in actual.items():
        optional = value in (b"", b"0\n") and name != "stdout"
        (case / name).unlink(missing_ok=True) if optional else (case / name).write_bytes(value)


def difference(name, wanted, got):
    lines = [text.decode("utf-8", "backslashreplace").splitlines() for text in (wanted, got)]
    diff = list(difflib.unified_diff(*lines, f"{name} expected", f"{name} now", lineterm="", n=1))
    return diff[:40] + ([f"… {len(diff) - 40} more lines"] if len(diff) > 40 else [])


def check(case, validators, rewrite):
    """The complaints about one case; empty when it holds."""
    try:
        actual = execute(case)
    except subprocess.TimeoutExpired:
        return ["did not end within 60 s"]
    if rewrite:
        update(case, actual)
    complaints = []
    for name, wanted in expected(case).items():
        if actual[name].strip() != wanted.strip() if name == "status" else actual[name] != wanted:
            complaints += difference(name, wanted, actual[name]) or [f"{name}: differs in line ends"]
    if not (case / "no_schema").exists():
        for number, line in enumerate(actual["stdout"].splitlines(), 1):
            if line.startswith(b"{"):
                complaints += [f"stdout:{number}: {text}" for text in breaches(line, validators)]
    return complaints


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool")
    parser.add_argument("case", nargs="*")
    parser.add_argument("--update", action="store_true")
    options = parser.parse_args()
    folder = HERE / options.tool
    cases = [folder / name for name in options.case] or sorted(path.parent for path in folder.glob("*/cmd"))
    if not cases:
        sys.exit(f"{folder}: no cases")
    validators = schema_of(options.tool)
    failed = 0
    for case in cases:
        complaints = check(case, validators, options.update)
        failed += bool(complaints)
        print(("FAIL " if complaints else "ok   ") + case.name)
        for text in complaints:
            print("    " + text)
    print(f"{len(cases)} cases, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
