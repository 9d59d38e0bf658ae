#!/usr/bin/python3
"""The first profile, traffic.json, with the real tools: netsniff on a veth pair, netwindow --whole, wsbridge. Each test
carries the number of the behaviour that it keeps: M23 to M30, M42, M43, M70, M71, M77, M78."""

import asyncio
import http.client
import json
import re
import socket
import subprocess
import time

import websockets

import browser
import harness
import netns

PROFILE = harness.ROOT / "tools" / "wsbridge" / "profiles" / "traffic.json"
FRIEND, STRANGER = "http://dash.example:3000", "http://evil.example"
SEND = """
import socket, sys, time
port, count, size, pause_ms = map(int, sys.argv[2:])
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(count):
    sender.sendto(bytes(size), (sys.argv[1], port))
    time.sleep(pause_ms / 1000)
"""
HEAD = 14 + 20 + 8  # Ethernet, IPv4, UDP


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Traffic(harness.TestCase):
    """wsbridge watches the right end of the wire; the tests ask it through a unix socket."""

    @classmethod
    def setUpClass(cls):
        cls.need_root(cls)
        cls.net = cls.enterClassContext(netns.Veth())

    def setUp(self):
        self.folder = self.temp_dir()
        self.path = self.folder / "bridge.sock"
        more = self.folder / "more.json"
        more.write_text(json.dumps({"origins": [FRIEND]}))
        self.log = open(self.folder / "log", "wb+")
        self.addCleanup(self.log.close)
        environment = harness.ENVIRONMENT | {"WIRELINE_INTERFACE": "veth0", "WIRELINE_WINDOW": "1s"}
        argv = [harness.BIN / "wsbridge", "serve", PROFILE, more, "--listen", f"unix:{self.path}", "--listen", "127.0.0.1:8000",
                "--store", self.folder]
        self.bridge = self.net.popen("right", argv, env=environment, stdout=subprocess.DEVNULL, stderr=self.log)
        self.addCleanup(self.stop)
        self.until(lambda: self.path.exists() and b"listening" in self.said())
        self.until(self.is_watched)

    def is_watched(self):
        """Whether netsniff's packet socket runs, by the kernel's list: … Type Proto Iface R …"""
        index = self.net.run("right", ["cat", "/sys/class/net/veth0/ifindex"]).stdout.strip()
        rows = [line.split() for line in self.net.run("right", ["cat", "/proc/net/packet"]).stdout.splitlines()[1:]]
        return any(row[4:6] == [index, b"1"] for row in rows)

    def stop(self):
        self.bridge.terminate()
        try:
            self.bridge.wait(20)
        except subprocess.TimeoutExpired:
            self.bridge.kill()
            self.bridge.wait()
            raise

    def said(self):
        return (self.folder / "log").read_bytes()

    def until(self, true, seconds=20):
        end = time.monotonic() + seconds
        while not (found := true()):
            self.assertIsNone(self.bridge.poll(), self.said())
            self.assertLess(time.monotonic(), end, self.said())
            time.sleep(0.05)
        return found

    def ask(self, path, method="GET", **headers):
        """(status, headers, body)"""
        connection = UnixConnection(self.path)
        try:
            connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()

    def json(self, path):
        status, _, body = self.ask(path)
        self.assertEqual(status, 200, body)
        return json.loads(body)

    def send(self, side, port, count, size):
        self.net.run(side, self.sender(side, port, count, size))

    def sender(self, side, port, count, size, pause_ms=0):
        to = self.net.ADDRESSES["right" if side == "left" else "left"]
        return ["/usr/bin/python3", "-c", SEND, to, port, count, size, pause_ms]

    def send_on(self):
        """So that each window has something, to the end of the test."""
        sender = self.net.popen("left", self.sender("left", 53, 100_000, 100, pause_ms=50))
        self.addCleanup(sender.wait)
        self.addCleanup(sender.kill)

    def shown(self):
        """The last window, if it has a client."""
        window = self.json("/api/traffic")
        return window if window.get("clients") else None

    def windows(self):
        return [json.loads(line) for line in self.ask("/api/traffic/history")[2].splitlines()]

    def messages(self, count, say=()):
        """The first messages of the socket, which we also `say` something."""

        async def talk():
            async with websockets.unix_connect(str(self.path), "ws://localhost/ws/traffic") as connection:
                for text in say:
                    await connection.send(text)
                return [json.loads(await asyncio.wait_for(connection.recv(), 20)) for _ in range(count)]

        return asyncio.run(talk())

    def test_m29_m77_bytes_of_each_client(self):
        self.assertEqual(self.json("/api/traffic"), {})  # before the first window
        self.send("left", 53, 40, 100)
        self.send("right", 53, 30, 200)
        expected = {"in": 40 * (HEAD + 100), "out": 30 * (HEAD + 200)}

        def sums():
            seen = {"in": 0, "out": 0}  # of port 53: the kernel says by ICMP that nobody listens there
            for window in self.windows():
                for client in window["windows"]:
                    for protocol in client["protocols"]:
                        if client["client"] == "10.99.0.1" and protocol["proto"] == "udp":
                            seen["in"] += protocol["in_bytes"]
                            seen["out"] += protocol["out_bytes"]
            return seen

        self.until(lambda: sums() == expected)
        self.send_on()
        window = self.until(self.shown)
        self.assertEqual(set(window), {"window", "clients"})
        client = window["clients"]["10.99.0.1"]
        self.assertEqual(set(client), {"in", "out", "protocols"})
        for way in ("in", "out"):
            self.assertEqual(sum(client["protocols"][way].values()), client[way])
            self.assertLessEqual(set(client["protocols"][way]), {"udp/53", "icmp"})

    def test_m71_m78_only_whole_windows(self):
        """Windows are as long as they were asked to be, and what is shown is the newest that is over."""
        for _ in range(12):
            self.send("left", 9, 10, 50)
            time.sleep(0.2)
            shown = self.json("/api/traffic")
            if shown:
                end = time.time()
                self.assertLess(shown["window"]["end"], time.strftime("%Y-%m-%dT%H:%M:%S.999999Z", time.gmtime(end)))
        self.until(lambda: len(self.windows()) >= 2)
        for window in self.windows():
            self.assertRegex(window["ts"], r"T\d\d:\d\d:\d\d\.000000Z$")
            self.assertEqual(int(window["until"][17:19]), (int(window["ts"][17:19]) + 1) % 60)
        self.until(lambda: self.json("/api/traffic")["window"]["start"] == self.windows()[-1]["ts"])

    def test_m70_what_is_ours_is_told(self):
        """The monitored server's address was a constant; now netsniff knows its interface's."""
        self.send_on()
        self.assertEqual(list(self.until(self.shown)["clients"]), ["10.99.0.1"])

    def test_m30_browsers_of_named_origins_may_read(self):
        for path in ("/api/traffic", "/health", "/nothing"):
            self.assertEqual(self.ask(path, Origin=FRIEND)[1]["Access-Control-Allow-Origin"], FRIEND)
            status, headers, _ = self.ask(path, Origin=STRANGER)
            self.assertEqual((status, headers["Access-Control-Allow-Origin"]), (403, None))
        status, headers, _ = self.ask("/api/traffic", "OPTIONS", Origin=FRIEND, Access_Control_Request_Method="GET")
        self.assertEqual(status, 204)
        self.assertIn("GET", headers["Access-Control-Allow-Methods"])
        self.assertIn("Origin", headers["Vary"])

    def test_m30_a_real_browser(self):
        """Its page comes from elsewhere: a friend's reads and listens, a stranger's gets nothing."""
        if browser.missing():
            self.missing(browser.missing())
        self.send_on()
        self.until(self.shown)
        friend, stranger = FRIEND.removeprefix("http://"), STRANGER.removeprefix("http://") + ":3001"
        argv = ["/usr/bin/python3", browser.__file__, "8000", "/api/traffic", "/ws/traffic", friend, stranger]
        said = json.loads(self.net.run("right", argv, timeout=120, env=harness.ENVIRONMENT).stdout)
        self.assertIn("10.99.0.1", said[friend]["body"]["clients"])
        self.assertEqual(said[friend]["state"], "connected")
        self.assertEqual(said[friend]["types"][0], "welcome")
        self.assertLessEqual({"welcome", "windows", "pong"}, set(said[friend]["types"]))
        self.assertRegex(said[friend]["pong"], r"^20\d\d-")
        self.assertIn("refused", said[stranger])
        self.assertEqual((said[stranger]["state"], said[stranger]["types"]), ("disconnected", []))

    def test_m23_m24_statistics(self):
        self.assertEqual(set(self.json("/api/cache_statistics")), {"hits", "misses", "hit_rate", "entries", "bytes", "by_route"})
        self.messages(1)
        statistics = self.json("/api/websocket_stats")
        self.assertEqual(set(statistics), {"active_connections", "by_socket", "messages_sent", "dropped", "conflated"})
        self.assertGreaterEqual(statistics["messages_sent"], 1)

    def test_m25_m26_m27_documents(self):
        document = self.json("/openapi.json")
        self.assertTrue(document["openapi"].startswith("3.1."))
        self.assertIn("/api/traffic", document["paths"])
        for page in ("/docs", "/redoc"):
            status, headers, body = self.ask(page)
            self.assertEqual((status, headers["Content-Type"]), (200, "text/html; charset=utf-8"))
            self.assertFalse(re.search(r"(src|href)=[\"'](https?:)?//", body), "a foreign host")
            self.assertIn("default-src 'self'", headers["Content-Security-Policy"])

    def test_m28_health(self):
        health = self.json("/health")
        self.assertEqual((health["status"], set(health)), ("ok", {"status", "uptime", "checks"}))

    def test_m42_every_message_has_its_time(self):
        self.send("left", 53, 5, 100)
        self.until(lambda: self.windows())
        messages = self.messages(2)
        self.assertEqual([message["type"] for message in messages], ["welcome", "windows"])
        for message in messages:
            self.assertRegex(message["timestamp"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$")

    def test_m43_bare_ping(self):
        messages = self.messages(2, say=["ping"])
        self.assertIn("pong", [message["type"] for message in messages])
        self.assertTrue(all("timestamp" in message for message in messages))


if __name__ == "__main__":
    harness.main()
