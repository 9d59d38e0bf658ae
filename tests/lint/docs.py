#!/usr/bin/env python3
"""man/ and completions/ are made of the tools' own declarations: docs.py --write makes them, --check fails where the
committed files differ, or where mandoc finds fault with a page."""

import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
import harness  # noqa: E402

TOOLS = sorted(path.parent.name for path in (harness.ROOT / "tools").glob("*/main.cpp"))

RECORDS_HEAD = """\
.\\" Made by "make docs" from the --schema=json of all tools: do not edit.
{date}
.Dt WIRELINE-RECORDS 7
{os}
.Sh NAME
.Nm wireline-records
.Nd the records of the Wireline tools
.Sh DESCRIPTION
Every tool writes one JSON object a line, in UTF-8.
The key
.Cm type
comes first and says which of the records below it is; where the record happened at a time,
.Cm ts
comes second.
A key has one type and one meaning in all records.
What is not known is left out; there is no null.
Consumers pass over types and keys that they do not know.
.Pp
Times are RFC 3339 in UTC with 6 or 9 digits of fraction, or as
.Fl -time
says.
Text from the wire that is not UTF-8 is written byte by byte as
.Ql \\exNN ,
and a backslash as two.
.Pp
Keys marked with an asterisk are in every record of the type.
"""


def answer(tool, *flags):
    done = subprocess.run([str(harness.BIN / tool), *flags], capture_output=True, env=harness.ENVIRONMENT, check=True, text=True)
    return done.stdout


def escaped(text):
    text = text.replace("\\", "\\e")
    return "\\&" + text if text[:1] in (".", "'") else text


def kind(schema):
    """The JSON type of a property, in words."""
    if "$ref" in schema:
        return "time"
    if schema["type"] == "array":
        return "array of " + {"string": "text", "object": "objects"}[schema["items"]["type"]]
    return {"string": "text", "integer": "integer", "number": "number", "boolean": "true or false"}[schema["type"]]


def key_list(schema, indent=""):
    if len(schema["properties"]) == 1:  # the type alone
        return []
    lines = [f".Bl -tag -width Ds{indent}"]
    for key, value in schema["properties"].items():
        if key == "type":
            continue
        mark = " *" if key in schema.get("required", []) else ""
        lines += [f".It Cm {key}{mark} Pq {kind(value)}", escaped(value["description"])]
        if value.get("type") == "array" and value["items"]["type"] == "object":
            lines += key_list(value["items"], " -compact")
    return lines + [".El"]


def records_page():
    writers, types = {}, {}
    for tool in TOOLS:
        for variant in json.loads(answer(tool, "--schema=json"))["oneOf"]:
            writers.setdefault(variant["title"], []).append(tool)
            types[variant["title"]] = variant
    page = answer(TOOLS[0], "--generate=man").splitlines()
    date, system = (next(line for line in page if line.startswith(macro)) for macro in (".Dd", ".Os"))
    lines = [RECORDS_HEAD.format(date=date, os=system).rstrip(), ".Sh RECORDS"]
    for name, variant in types.items():
        lines += [f".Ss {name}", escaped(variant["description"][:1].upper() + variant["description"][1:]) + ".", "Written by"]
        lines += [f".Xr {tool} 1" + (" ," if tool != writers[name][-1] else " .") for tool in writers[name]]
        lines += key_list(variant)
    lines += [".Sh SEE ALSO"] + [f".Xr {tool} 1" + (" ," if tool != TOOLS[-1] else "") for tool in TOOLS]
    return "\n".join(lines) + "\n"


def documents():
    """Path and text of every generated file."""
    for tool in TOOLS:
        yield f"man/{tool}.1", answer(tool, "--generate=man")
        yield f"completions/bash/{tool}", answer(tool, "--generate=bash")
        yield f"completions/zsh/_{tool}", answer(tool, "--generate=zsh")
        yield f"completions/fish/{tool}.fish", answer(tool, "--generate=fish")
    yield "man/wireline-records.7", records_page()


def write():
    for name, text in documents():
        path = harness.ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def check():
    faults = []
    expected = dict(documents())
    for name, text in expected.items():
        path = harness.ROOT / name
        if not path.exists() or path.read_text() != text:
            faults.append(f"{name} is stale: run make docs")
        if name.startswith("man/"):
            lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning"], input=text, capture_output=True, text=True)
            faults += [f"{name}: {line}" for line in (lint.stdout + lint.stderr).splitlines()]
    for folder in ("man", "completions"):
        for path in (harness.ROOT / folder).rglob("*"):
            if path.is_file() and str(path.relative_to(harness.ROOT)) not in expected:
                faults.append(f"{path.relative_to(harness.ROOT)}: no tool makes it")
    return faults


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        write()
    elif sys.argv[1:] == ["--check"]:
        found = check()
        print("\n".join(found) or "all fresh")
        sys.exit(bool(found))
    else:
        sys.exit(__doc__)
