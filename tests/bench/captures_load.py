#!/usr/bin/python3
"""How long a page, a filtered page and a packet's detail take over the web, with many users at once.

    captures_load.py CAPTURE [--users 20] [--seconds 20] [--pause 0]

CAPTURE goes into a store of its own, each user has it, and each asks one question after the other, with --pause seconds between them on average: a page of 100 packets
somewhere in the capture, a page of those that pass a filter, a packet's detail. One line for each: requests, p50, p99."""

import argparse
import http.client
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("WIRELINE_BIN", ROOT / "build" / "bin")).resolve()
PROFILE = ROOT / "tools" / "wsbridge" / "profiles" / "captures.json"
FILTERS = ("tcp.port == 443 and tcp.flags.syn == 1", "dns", "ip.src == 10.0.0.0/8 and frame.len > 1000", "udp")


def start(folder, environment):
    """(process, port) of a bridge without limits of rates."""
    profile = folder / "captures.json"
    profile.write_text(PROFILE.read_text().replace('"data": 1200', '"data": 1000000'))
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen([BIN / "wsbridge", "serve", profile, "--listen", "127.0.0.1:0"], env=environment, stdout=log,
                                   stderr=log)
    while not (found := re.search(r"listening on http://127\.0\.0\.1:(\d+)", (folder / "log").read_text())):
        if process.poll() is not None:
            sys.exit((folder / "log").read_text())
        time.sleep(0.05)
    return process, int(found.group(1))


def wsbridge(*args, environment, **options):
    done = subprocess.run([BIN / "wsbridge", *args], env=environment, capture_output=True, check=True, **options)
    return json.loads(done.stdout)


class User:
    def __init__(self, port, number, environment):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.random = random.Random(number)
        email = f"user{number}@example.org"
        wsbridge("user", "add", email, environment=environment, input=b"right horse\n")
        self.token = wsbridge("token", "create", "--user", email, "--name", "load", environment=environment)["token"]
        self.id = self.ask("GET", "/api/me")["id"]
        self.took = {"page": [], "filter": [], "detail": []}

    def ask(self, method, path):
        self.connection.request(method, path, headers={"Authorization": f"Bearer {self.token}"})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{path}: {answer.status} {text[:200]}")
        return json.loads(text)

    def work(self, file, packets, until, pause):
        while time.monotonic() < until:
            kind = self.random.choice(list(self.took))
            n = self.random.randrange(packets)
            path = {"page": f"/api/packets/{file}?after={max(n, 1)}",
                    "filter": f"/api/packets/{file}?where=" + urllib.parse.quote(self.random.choice(FILTERS)),
                    "detail": f"/api/packet/{file}/{n + 1}"}[kind]
            begin = time.monotonic()
            self.ask("GET", path)
            self.took[kind].append((time.monotonic() - begin) * 1000)
            time.sleep(self.random.uniform(0, 2 * pause))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("capture")
    parser.add_argument("--users", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--pause", type=float, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wireline-") as name:
        folder = pathlib.Path(name)
        environment = {key: value for key, value in os.environ.items() if not key.startswith("WIRELINE_")}
        environment |= {"WIRELINE_STORE": str(folder / "store"), "PATH": f"{BIN}:{os.environ['PATH']}"}
        process, port = start(folder, environment)
        try:
            users = [User(port, number, environment) for number in range(options.users)]
            for user in users:  # the first takes it in, and the others have what is there
                done = subprocess.run([BIN / "pcapingest", "add", "--owner", user.id, "--quiet", options.capture],
                                      env=environment, capture_output=True)  # a capture that is cut is welcome, too
                file = json.loads(done.stdout)
                if user is users[0]:
                    options.capture = next((folder / "store" / "captures").glob("*/*"))
            until = time.monotonic() + options.seconds
            threads = [threading.Thread(target=user.work, args=(file["file_id"], file["packets"], until, options.pause)) for user in users]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            process.terminate()
            process.wait()
    for kind in users[0].took:
        took = sorted(ms for user in users for ms in user.took[kind])
        print(json.dumps({"what": kind, "users": options.users, "pause_s": options.pause, "packets": file["packets"], "requests": len(took),
                          "p50_ms": round(took[len(took) // 2], 1), "p99_ms": round(took[int(len(took) * 0.99)], 1)}))


if __name__ == "__main__":
    main()
