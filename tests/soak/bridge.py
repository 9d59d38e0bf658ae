#!/usr/bin/python3
"""wsbridge under mixed load for --seconds: memory and descriptors must be flat. Part of `make soak`.

Beside each other: sockets that listen (deflated or not, dropping, conflated, one that never reads), clients that come and
go with and without a word, requests to last values, caches, workers, commands and uploads, calls that are given up,
readers of NDJSON, messages to workers, a stream that dies each second, a worker that dies now and then, handshakes and
requests that are wrong. Writes a line a minute and at the end one JSON object.
"""

import argparse
import asyncio
import json
import os
import pathlib
import random
import re
import socket
import subprocess
import sys
import tempfile
import time

import websockets

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORKER = """
import json, os, sys, time
for line in sys.stdin:
    request = json.loads(line)
    if "argv" not in request: continue
    word = request["argv"][-1]
    if word == "die": os._exit(1)
    if word == "sleep": time.sleep(0.2)
    print(json.dumps({"id": request["id"], "record": {"type": "answer", "argv": request["argv"]}}))
    print(json.dumps({"id": request["id"], "end": True, "status": 0}), flush=True)
"""
TICKS = """
import json, sys, time
n = 0
while True:
    n += 1
    sys.stdout.write(json.dumps({"type": "tick", "n": n, "key": n % 50, "pad": "x" * (n * 37 % 900)}) + "\\n")
    sys.stdout.flush()
    time.sleep(0.005)
"""
WARM_UP = 0.15  # of the time: caches and the allocator's arenas fill
WORDS = ["one", "two", "three", "sleep"]


def profile(folder):
    (folder / "worker.py").write_text(WORKER)
    (folder / "ticks.py").write_text(TICKS)
    word = {"params": {"word": {}}, "access": "open"}
    worker = {"worker": "answer", "argv": ["--", "{word}"]}
    return {
        "streams": {"ticks": {"command": ["/usr/bin/python3", str(folder / "ticks.py")], "key": "key"},
                    "dying": {"command": ["sh", "-c", "echo '{\"type\":\"alive\"}'; sleep 1; exit 1"]}},
        "workers": {"answer": {"command": ["/usr/bin/python3", str(folder / "worker.py")], "count": 3, "queue": 16, "timeout": "2s"},
                    "echo": {"command": ["cat"]}},
        "routes": [{"path": "/api/last", "stream": "ticks", "as": "{n}", "access": "open"},
                   {"path": "/api/all", "stream": "ticks", "give": "history", "access": "open"},
                   {"path": "/streams/ticks", "stream": "ticks", "form": "ndjson", "access": "open"},
                   {"path": "/api/ask/{word}", **worker, **word},
                   {"path": "/api/cached/{word}", **worker, **word, "cache": "500ms"},
                   {"path": "/api/limited/{word}", **worker, **word, "rate": "data"},
                   {"path": "/api/command/{word}", "command": ["echo", "{\"a\":1}"], **word},
                   {"method": "POST", "path": "/api/upload", "command": ["sh", "-c", "wc -c < \"$0\"", "{upload}"], "upload": {"max": "1M"},
                    "form": "raw", "access": "token"}],
        "sockets": {"/ws/drop": {"streams": [{"stream": "ticks"}, {"stream": "dying"}], "access": "open", "heartbeat": "1s", "timestamp": True},
                    "/ws/newest": {"streams": [{"stream": "ticks", "slow": "conflate"}], "access": "open"},
                    "/ws/shaped": {"streams": [{"stream": "ticks", "as": "select(.n % 10 == 0) | {type, n}", "slow": "cut"}], "access": "open",
                                   "receive": [{"type": "ask", "worker": "answer", "argv": ["--", "{word}"], "access": "open",
                                                "params": {"word": {"required": True}}}]},
                    "/ws/echo": {"worker": "echo", "access": "open"}},
        "limits": {"backlog": "256k", "idle": "20s"}, "signup": "closed",
    }


class Load:
    def __init__(self, port, token):
        self.port, self.token, self.counts, self.stop = port, token, {}, False

    def count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1

    async def again(self, what, action, pause):
        """Does it for ever; what a server may do to a client (refuse, close) is counted, not raised."""
        while not self.stop:
            try:
                await asyncio.wait_for(action(), 60)
                self.count(what)
            except (OSError, EOFError, asyncio.TimeoutError, websockets.WebSocketException) as problem:
                self.count(f"{what}: {type(problem).__name__}")
            await asyncio.sleep(random.random() * 2 * pause)

    def url(self, path):
        return f"ws://127.0.0.1:{self.port}{path}"

    async def listen(self, path, deflate, seconds, rude):
        connection = await websockets.connect(self.url(path), compression="deflate" if deflate else None)
        try:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                await connection.recv()
        finally:
            if rude:
                connection.transport.abort()
                await connection.wait_closed()
            else:
                await connection.close()

    async def talk(self):
        async with websockets.connect(self.url("/ws/echo")) as connection:
            for n in range(20):
                await connection.send(json.dumps({"n": n}))
                await connection.recv()

    async def command(self):
        async with websockets.connect(self.url("/ws/shaped")) as connection:
            await connection.send(json.dumps({"type": "ask", "word": random.choice(WORDS)}))
            await connection.send("ping")
            for _ in range(3):
                await connection.recv()

    async def raw(self, data, read=1 << 16, wait=0.0):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(data)
            await writer.drain()
            await asyncio.sleep(wait)
            return await reader.read(read) if read else b""
        finally:
            writer.close()

    async def get(self, path, **more):
        await self.raw(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode(), **more)

    async def upload(self):
        body = os.urandom(random.randrange(1, 300_000))
        await self.raw(f"POST /api/upload HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self.token}\r\nContent-Length: {len(body)}\r\n"
                       "Connection: close\r\n\r\n".encode() + body)

    async def never_read(self):
        head = b"GET /ws/drop HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
        await self.raw(head, read=0, wait=30)

    async def wrong(self):
        head = "GET /ws/drop HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
        await self.raw(random.choice([
            b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", b"\x16\x03\x01 no TLS here\r\n\r\n",
            b"GET /api/ask/%0a HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\n\r\n",
            b"POST /api/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 44\r\n\r\n{\"email\":\"a@b.example\",\"password\":\"12345678\"}",
            head.encode() + b"\x81\x05Hello", head.encode() + b"\x81\x85\x01\x02\x03\x04\xff\xff\xff\xff\xff",
            b"POST /api/upload HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"]))

    def tasks(self):
        def task(what, action, pause, many=1):
            return [asyncio.create_task(self.again(what, action, pause)) for _ in range(many)]

        return [*task("listened for long", lambda: self.listen("/ws/drop", True, 50, False), 1, 20),
                *task("listened, plain", lambda: self.listen("/ws/drop", False, 20, True), 1, 10),
                *task("listened to the newest", lambda: self.listen("/ws/newest", True, 10, False), 1, 10),
                *task("listened to shaped", lambda: self.listen("/ws/shaped", False, 5, True), 0.5, 10),
                *task("came and went", lambda: self.listen("/ws/newest", True, 0, True), 0.2, 4),
                *task("talked to a worker", self.talk, 0.5, 2), *task("sent a message", self.command, 0.3, 2),
                *task("asked for the last", lambda: self.get("/api/last"), 0.02, 2), *task("asked for all", lambda: self.get("/api/all"), 0.1),
                *task("asked a worker", lambda: self.get("/api/ask/" + random.choice(WORDS)), 0.05, 3),
                *task("asked the cache", lambda: self.get("/api/cached/" + random.choice(WORDS)), 0.02, 2),
                *task("asked too often", lambda: self.get("/api/limited/one"), 0.3), *task("ran a command", lambda: self.get("/api/command/x"), 0.3),
                *task("killed a worker", lambda: self.get("/api/ask/die"), 10), *task("gave a call up", lambda: self.get("/api/ask/sleep", read=0), 0.3),
                *task("read lines and left", lambda: self.get("/streams/ticks", wait=1), 0.5, 2), *task("uploaded", self.upload, 0.3, 2),
                *task("never read", self.never_read, 1, 2), *task("was wrong", self.wrong, 0.1, 2)]


def resident_kb(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1])


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


async def run(pid, port, token, seconds):
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # websockets 10 complains of its own tasks
    load, samples, begin = Load(port, token), [], time.monotonic()
    tasks = load.tasks()
    while (now := time.monotonic() - begin) < seconds:
        await asyncio.sleep(min(5, seconds / 60))
        samples.append((now, resident_kb(pid), descriptors(pid)))
        if int(now / 60) != int((now - 5) / 60):
            print(f"{now:6.0f} s  {samples[-1][1] / 1024:6.1f} MB  {samples[-1][2]:4} descriptors", file=sys.stderr, flush=True)
    load.stop = True
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(3)  # the server sees that they have gone
    return load.counts, samples, descriptors(pid)


def summary(samples, counts, first_descriptors, last_descriptors):
    warm = [sample for sample in samples if sample[0] >= samples[-1][0] * WARM_UP]
    half = len(warm) // 2
    early, late = (max(kb for _, kb, _ in part) for part in (warm[:half], warm[half:]))
    return {"seconds": round(samples[-1][0]), "resident_mb": {"peak_first_half": round(early / 1024, 1), "peak_second_half": round(late / 1024, 1),
                                                              "last": round(samples[-1][1] / 1024, 1)},
            "descriptors": {"before": first_descriptors, "peak_first_half": max(fds for _, _, fds in warm[:half]),
                            "peak_second_half": max(fds for _, _, fds in warm[half:]), "after": last_descriptors},
            "done": counts, "flat": late < early * 1.05 + 2048 and last_descriptors <= first_descriptors + 4}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build" / "bin")
    options = parser.parse_args()
    bridge = options.bin.resolve() / "wsbridge"
    with tempfile.TemporaryDirectory(prefix="wireline-soak-") as work:
        folder = pathlib.Path(work)
        (folder / "profile.json").write_text(json.dumps(profile(folder)))
        (folder / "password").write_text("correct horse\n")
        account = ["--store", work]
        subprocess.run([bridge, "user", "add", "a@b.example", "--password-file", folder / "password", *account], check=True, capture_output=True)
        token = json.loads(subprocess.run([bridge, "token", "create", "--user", "a@b.example", "--name", "soak", *account], check=True,
                                          capture_output=True).stdout)["token"]
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with open(folder / "log", "wb") as log:
            process = subprocess.Popen([bridge, "serve", folder / "profile.json", "--listen", f"127.0.0.1:{port}", *account], stdout=log, stderr=log)
        try:
            time.sleep(2)
            before = asyncio.run(run(process.pid, port, token, 10))[2]  # every worker has been started
            counts, samples, after = asyncio.run(run(process.pid, port, token, options.seconds))
            found = summary(samples, counts, before, after)
            process.terminate()
            found["status"] = process.wait(30)
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()
        if found["status"] != 0:
            print((folder / "log").read_text(errors="replace")[-3000:], file=sys.stderr)
    print(json.dumps(found))
    return 0 if found["flat"] and found["status"] == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
