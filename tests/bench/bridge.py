#!/usr/bin/python3
"""make bench-bridge: wsbridge beside what people write for the same job, one table.

Fan-out: 300-byte records to 1,000 WebSocket clients, at the highest rate at which every client gets every number with a
99th percentile of the delay under 100 ms; sides take turns. Clients, source and server share this machine.
"""

import argparse
import contextlib
import dataclasses
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PARTS = ROOT / "tests" / "bench" / "bridge"
MODULES = ROOT / ".deps" / "ws"
PYTHON = "/usr/bin/python3"
DELAY_LIMIT_MS = 100
STEP = 1.15  # how exactly the highest rate is found
NGINX = """
{user} worker_processes 1; daemon off; pid {work}/nginx.pid; error_log {work}/error.log;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 1000000; default_type application/json; client_body_temp_path {work}/b;
  proxy_temp_path {work}/p; fastcgi_temp_path {work}/f; uwsgi_temp_path {work}/u; scgi_temp_path {work}/s;
  server {{ listen 127.0.0.1:{port}; root {work}/www; }} }}
"""
WORKER = """
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    if "argv" in request:
        print(json.dumps({"id": request["id"], "record": {"type": "answer", "argv": request["argv"]}}))
        print(json.dumps({"id": request["id"], "end": True, "status": 0}), flush=True)
"""


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build", help="build directory (default: build)")
    parser.add_argument("--clients", type=int, default=1000, metavar="N", help="of the fan-out (default 1000)")
    parser.add_argument("--idle", type=int, default=10_000, metavar="N", help="idle clients (default 10000)")
    parser.add_argument("--seconds", type=float, default=4, metavar="S", help="of one attempt at a rate (default 4)")
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="runs of each side (default 3)")
    parser.add_argument("--only", default="", metavar="REGEX", help="rows whose name matches")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the numbers there too")
    return parser.parse_args()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process, seconds=15):
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on {port}: {process.args}")


def children_of(pid):
    listing = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True).stdout
    return [int(child) for child in listing.split()]


def memory_mb(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) / 1024


@dataclasses.dataclass
class Server:
    """Something that sends the lines that it is given to all its WebSockets."""

    name: str
    command: list  # {port} and {file} are filled in
    path: str = "/"
    present: bool = True
    environment: dict = dataclasses.field(default_factory=dict)
    first_rate: float = 50
    settle: float = 0.3  # seconds from the last client's connection until it is served
    by_file: bool = False  # reads the file that the records are appended to, not its standard input

    @contextlib.contextmanager
    def run(self, work):
        port, file = free_port(), pathlib.Path(work) / "records.ndjson"
        file.write_bytes(b"")
        command = [str(word).format(port=port, file=file) for word in self.command]
        source = subprocess.DEVNULL if self.by_file else subprocess.PIPE
        with open(pathlib.Path(work) / "server.log", "ab") as log:
            process = subprocess.Popen(command, stdin=source, stdout=log, stderr=log, env=os.environ | self.environment)
        try:
            wait_for(port, process)
            yield process, port, open(file, "ab") if self.by_file else process.stdin
        finally:
            children = children_of(process.pid)  # websocketd's outlive it
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for child in children:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            if process.stdin:
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.close()


class Bench:
    def __init__(self, options, work):
        self.options, self.work, self.rows = options, work, []
        self.programs = options.build.resolve() / "bench"
        bridge = options.build.resolve() / "bin" / "wsbridge"
        self.bridge = bridge
        self.servers = [
            Server("wsbridge", [bridge, "serve", "--stream", "r=-", "--listen", "127.0.0.1:{port}"], "/ws/r", first_rate=400),
            Server("Node ws", ["node", PARTS / "broadcast.mjs", "{port}"], environment={"WS_MODULES": str(MODULES)},
                   present=bool(shutil.which("node")) and MODULES.exists()),
            Server("FastAPI, uvicorn", [PYTHON, PARTS / "broadcast.py", "{port}"],
                   present=subprocess.run([PYTHON, "-c", "import fastapi, uvicorn"], capture_output=True).returncode == 0),
            # One process for each client; the system gives no thousand of them an inotify of their own.
            Server("websocketd, tail -f", ["websocketd", "--address=127.0.0.1", "--port={port}", "--loglevel=fatal",
                                           "tail", "---disable-inotify", "-s0.05", "-n0", "-f", "{file}"],
                   present=bool(shutil.which("websocketd")), first_rate=5, settle=3, by_file=True),
        ]

    def add(self, what, value, target="", passed=None):
        verdict = "" if passed is None else "pass" if passed else "MISS"
        self.rows.append({"what": what, "value": value, "target": target, "verdict": verdict})
        print(f"{what:<62} {value:>24} {target:>12}  {verdict}", flush=True)

    def wanted(self, name):
        return re.search(self.options.only, name)

    def load(self, port, path, clients, *more):
        command = [self.programs / "ws_load", "--connect", f"127.0.0.1:{port}", "--path", path, "--clients", str(clients), *more]
        return subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, text=True)

    # ---- fan-out

    def attempt(self, server, rate):
        """What the clients saw at that rate; nothing when it was not carried."""
        seconds = self.options.seconds
        with server.run(self.work) as (_, port, sink):
            load = self.load(port, server.path, self.options.clients, "--timeout", str(seconds * 2 + 10))
            with load:
                connected = json.loads(load.stdout.readline())
                if connected["refused"]:
                    return None
                time.sleep(server.settle)
                source = subprocess.Popen([self.programs / "record_source", str(rate), str(seconds)], stdout=sink)
                result = json.loads(load.stdout.readline())
                source.kill()
                source.wait()
        carried = result["complete"] == self.options.clients and result["lost"] == 0 and result["p99_ms"] < DELAY_LIMIT_MS
        return result if carried else None

    def highest_rate(self, server, first):
        """The highest rate that it carries, and what the clients saw at it."""
        good, bad, rate, seen = 0, float("inf"), first, None
        while good == 0 or bad > good * STEP:
            result = self.attempt(server, rate)
            if result:
                good, seen = rate, result
            else:
                bad = rate
                if bad < 1:
                    break
            rate = rate * 2 if bad == float("inf") else (good + bad) / 2 if good else rate / 2
        return good, seen

    def fan_out(self):
        found = {server.name: [] for server in self.servers if server.present}
        for _ in range(self.options.runs):
            for server in self.servers:
                if server.present:
                    found[server.name].append(self.highest_rate(server, server.first_rate))
        ours = statistics.median(rate for rate, _ in found["wsbridge"])
        for server in self.servers:
            what = f"fan-out to {self.options.clients:,} clients, records/s: {server.name}"
            if not server.present:
                self.add(what, "not installed")
                continue
            rates = [rate for rate, _ in found[server.name]]
            median = statistics.median(rates)
            value = f"{median:,.0f} ({min(rates):,.0f} to {max(rates):,.0f})"
            if server.name == "Node ws":
                self.add(what, value)
                self.add("  wsbridge / Node ws", f"{ours / median:.1f}×", "≥ 3×", ours >= 3 * median)
            elif server.name == "wsbridge":
                self.add(what, value)
            else:
                self.add(what, value)
                self.add(f"  wsbridge / {server.name}", f"{ours / max(median, 0.1):.0f}×")

    # ---- memory

    def idle(self):
        clients = self.options.idle
        for server in self.servers[:2]:
            if not server.present:
                continue
            with server.run(self.work) as (process, port, _):
                before = memory_mb(process.pid)
                with self.load(port, server.path, clients, "--deflate", "--idle", "2", "--timeout", "60") as load:
                    connected = json.loads(load.stdout.readline())
                    time.sleep(1)
                    now = memory_mb(process.pid)
                    result = json.loads(load.stdout.readline())
            each = (now - before) * 1024 / max(connected["clients"], 1)
            what = f"{clients:,} idle clients: {server.name} ({result['deflated']:,} with deflate)"
            if server.name == "wsbridge":
                whole = connected["clients"] == clients and result["closed"] == 0 and result["deflated"] == clients
                self.add(what, f"{now:.0f} MB, {each:.1f} kB each", "< 500 MB", whole and now < 500)
            else:
                self.add(what, f"{now:.0f} MB, {each:.1f} kB each")

    # ---- REST

    def requests_per_second(self, url):
        command = ["wrk", "-t1", "-c32", f"-d{self.options.seconds:.0f}s", url]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        if "Non-2xx" in text or "Socket errors" in text:
            raise RuntimeError(f"{url}: {text}")
        return float(re.search(r"Requests/sec:\s+([0-9.]+)", text)[1])

    def last_value(self):
        what = "last value by REST, requests/s"
        if not shutil.which("nginx") or not shutil.which("wrk"):
            return self.add(what, "not installed")
        record = subprocess.run([self.programs / "record_source", "1", "1"], capture_output=True, check=True).stdout
        port = free_port()
        www = pathlib.Path(self.work) / "www"
        www.mkdir(exist_ok=True)
        (www / "last").write_bytes(record.rstrip(b"\n"))
        configuration = pathlib.Path(self.work) / "nginx.conf"
        configuration.write_text(NGINX.format(work=self.work, port=port, user="user root;" if os.geteuid() == 0 else ""))
        nginx = subprocess.Popen(["nginx", "-p", self.work, "-c", configuration], stderr=subprocess.DEVNULL)
        try:
            wait_for(port, nginx)
            with self.servers[0].run(self.work) as (_, own_port, sink):
                sink.write(record)
                sink.flush()
                time.sleep(0.3)
                self.same_bytes(own_port, port)
                pairs = [(self.requests_per_second(f"http://127.0.0.1:{own_port}/api/r"),
                          self.requests_per_second(f"http://127.0.0.1:{port}/last")) for _ in range(self.options.runs)]
        finally:
            nginx.terminate()
            nginx.wait()
        ours, theirs = (statistics.median(side) for side in zip(*pairs))
        return self.add(f"{what}: wsbridge / nginx, one process each", f"{ours:,.0f} / {theirs:,.0f} = {ours / theirs:.2f}", "≥ 0.5",
                        ours >= theirs / 2)

    @staticmethod
    def same_bytes(own_port, port):
        bodies = []
        for number, path in ((own_port, "/api/r"), (port, "/last")):
            connection = http.client.HTTPConnection("127.0.0.1", number, timeout=5)
            connection.request("GET", path)
            bodies.append(connection.getresponse().read().strip())
            connection.close()
        if bodies[0] != bodies[1]:
            raise RuntimeError(f"the two answers differ: {bodies}")

    # ---- workers

    def worker(self):
        """How long one request takes, one after the other: to the worker itself, and to the route before it."""
        script = pathlib.Path(self.work) / "worker.py"
        script.write_text(WORKER)
        profile = pathlib.Path(self.work) / "worker.json"
        profile.write_text(json.dumps({
            "workers": {"w": {"command": [PYTHON, str(script)]}},
            "routes": [{"path": "/api/w", "worker": "w", "argv": ["x"], "access": "open"}],
            "open_to": ["127.0.0.0/8"],
        }))
        direct, routed = [], []
        own = subprocess.Popen([PYTHON, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        server = Server("wsbridge", [self.bridge, "serve", profile, "--listen", "127.0.0.1:{port}", "--db", f"sqlite://{self.work}/db"])
        with own, server.run(self.work) as (_, port, _):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            for number in range(3000):
                direct.append(self.timed(self.ask_worker, own))
                routed.append(self.timed(self.ask_route, connection))
            connection.close()
            own.stdin.close()
        cut = statistics.quantiles(direct, n=100), statistics.quantiles(routed, n=100)
        for name, index in (("p50", 49), ("p99", 98)):
            alone, whole = cut[0][index] * 1e3, cut[1][index] * 1e3
            self.add(f"what a worker route adds, {name}", f"{whole:.2f} - {alone:.2f} = {whole - alone:.2f} ms")

    @staticmethod
    def timed(ask, *arguments_):
        begin = time.perf_counter()
        ask(*arguments_)
        return time.perf_counter() - begin

    @staticmethod
    def ask_worker(process):
        process.stdin.write(b'{"id":"1","argv":["x"]}\n')
        process.stdin.flush()
        process.stdout.readline()
        process.stdout.readline()

    @staticmethod
    def ask_route(connection):
        connection.request("GET", "/api/w")
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"worker route: {answer.status} {body}")


def main():
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="wireline-bench-") as work:
        bench = Bench(options, work)
        for name, row in (("fan-out", bench.fan_out), ("idle", bench.idle), ("rest", bench.last_value), ("worker", bench.worker)):
            if bench.wanted(name):
                row()
    if options.json:
        options.json.write_text(json.dumps(bench.rows, indent=1) + "\n")
    return 1 if any(row["verdict"] == "MISS" for row in bench.rows) else 0


if __name__ == "__main__":
    sys.exit(main())
