#!/usr/bin/python3
"""Clients that are not ours: Node's `ws` and fetch, Python's `websockets`, each with the terms of permessage-deflate that
it can ask for; and what one who never reads does to a thousand who do."""

import asyncio
import json
import os
import pathlib
import selectors
import shutil
import socket
import statistics
import subprocess
import time

import websockets
from websockets.extensions import permessage_deflate

import harness
from bridge import Bridge

CLIENT = pathlib.Path(__file__).with_name("client.cjs")
MODULES = [harness.ROOT / ".deps/ws/node_modules", pathlib.Path("/usr/share/nodejs")]
PROFILE = {
    "streams": {"feed": {"stdin": True, "history": 100}},
    "workers": {"echo": {"command": ["cat"]}},
    "routes": [{"path": "/api/feed", "stream": "feed", "access": "open"},
               {"path": "/streams/feed", "stream": "feed", "form": "ndjson", "access": "open"}],
    "sockets": {"/ws/feed": {"streams": [{"stream": "feed", "history": 0}], "access": "open"},
                "/ws/echo": {"worker": "echo", "access": "open"},
                "/ws/closed": {"streams": [{"stream": "feed"}]}},
    "limits": {"backlog": "64M"},
}
RECORDS = 5000


def records(count, begin=0):
    """Lines whose lengths cross every size class of frames and windows of deflate."""
    return b"".join(b'{"n":%d,"pad":"%s"}\n' % (n, (b"%d " % n) * (n % 997 if n % 500 else 30000)) for n in range(begin, begin + count))


class Clients(harness.TestCase):
    def serve(self, profile=PROFILE):
        return Bridge(self, profile, stdin=subprocess.PIPE)

    def node(self, bridge, *words):
        """A client that runs; its first line on stderr says that it is connected."""
        modules = [folder for folder in MODULES if (folder / "ws").is_dir()]
        if not shutil.which("node") or not modules:
            self.missing("no Node or no ws (apt-get install nodejs node-ws)")
        client = subprocess.Popen([shutil.which("node"), CLIENT, str(bridge.port), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  env=os.environ | {"NODE_PATH": ":".join(map(str, modules))})
        self.addCleanup(self._end, client)
        return client

    def seen(self, client, timeout=60):
        out, err = client.communicate(timeout=timeout)
        self.assertEqual(client.returncode, 0, err.decode())
        return json.loads(out)

    def test_node_gets_all_records_on_any_terms(self):
        for terms in (False, True, {"serverNoContextTakeover": True, "clientNoContextTakeover": True}, {"clientMaxWindowBits": 9},
                      {"serverMaxWindowBits": 15}, {"serverMaxWindowBits": 10}):
            with self.subTest(terms=terms):
                bridge = self.serve()
                client = self.node(bridge, "records", "/ws/feed", str(RECORDS), json.dumps(terms))
                self.assertEqual(client.stderr.readline(), b"open\n")
                time.sleep(0.2)
                bridge.process.stdin.write(records(RECORDS))
                bridge.process.stdin.flush()
                seen = self.seen(client)
                self.assertEqual(seen["numbers"], list(range(RECORDS)))
                self.assertEqual("permessage-deflate" in seen["extensions"], bool(terms))

    def test_node_echo_fragments_ping_and_close_codes(self):
        seen = self.seen(self.node(self.serve(), "echo", "/ws/echo"))
        self.assertEqual(seen["got"], seen["sent"])
        self.assertEqual((seen["pong"], seen["ended"]["code"]), ("between", 4321))

    def test_node_is_refused_with_a_status(self):
        client = self.node(self.serve(), "refusals", "/ws/closed", "/ws/nothing", "/api/feed", "/ws/feed")
        self.assertEqual(self.seen(client), [401, 404, 404, "open"])

    def test_node_uses_rest(self):
        bridge = self.serve()
        bridge.process.stdin.write(records(20))
        bridge.process.stdin.flush()
        bridge.wait(lambda: bridge.ask("/api/feed")[0] == 200 and bridge.ask("/api/feed")[2]["n"] == 19)
        seen = self.seen(self.node(bridge, "rest", "/api/feed", "/streams/feed", "20"))
        self.assertEqual((seen["status"], seen["body"]["n"], seen["again"]), (200, 19, 304))
        self.assertEqual([line["n"] for line in seen["lines"]], list(range(20)))

    def test_python_gets_all_records_on_any_terms(self):
        factory = permessage_deflate.ClientPerMessageDeflateFactory
        terms = [[], [factory()], [factory(client_max_window_bits=True)], [factory(server_max_window_bits=9), factory()],
                 [factory(server_no_context_takeover=True, client_no_context_takeover=True)], [factory(client_max_window_bits=9)],
                 [factory(server_max_window_bits=12)]]

        async def client(bridge, extensions, ready):
            async with websockets.connect(f"ws://127.0.0.1:{bridge.port}/ws/feed", compression=None, extensions=extensions,
                                          max_queue=None) as connection:
                ready.release()
                return [json.loads(await connection.recv())["n"] for _ in range(RECORDS)]

        async def scenario(bridge):
            ready = asyncio.Semaphore(0)
            clients = [asyncio.create_task(client(bridge, extensions, ready)) for extensions in terms]
            for _ in clients:
                await ready.acquire()
            await asyncio.sleep(0.2)
            await asyncio.to_thread(bridge.process.stdin.write, records(RECORDS))
            await asyncio.to_thread(bridge.process.stdin.flush)
            return await asyncio.gather(*clients)

        for numbers in asyncio.run(asyncio.wait_for(scenario(self.serve()), 60)):
            self.assertEqual(numbers, list(range(RECORDS)))


class Crowd:
    """Many clients that read, in one thread: what matters of each record is when it came."""

    def __init__(self, port, count):
        self.selector = selectors.DefaultSelector()
        self.sockets = []
        for _ in range(count):
            client = socket.create_connection(("127.0.0.1", port), timeout=10)
            client.sendall(b"GET /ws/feed HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                           b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n")
            self.sockets.append(client)
        for client in self.sockets:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += client.recv(1)
            client.setblocking(False)
            self.selector.register(client, selectors.EVENT_READ)

    def read(self, seconds):
        """Bytes that came to each until `seconds` are over, and the delays of all records (each carries its time at its end)."""
        received = dict.fromkeys(self.sockets, 0)
        delays = []
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            for key, _ in self.selector.select(left):
                data = key.fileobj.recv(1 << 16)
                received[key.fileobj] += len(data)
                now = time.monotonic_ns()
                at = data.rfind(b'"at":')
                if at >= 0 and (text := data[at + 5:at + 24].split(b"}")[0]).isdigit() and b"}" in data[at:at + 30]:
                    delays.append((now - int(text)) / 1e6)
        return received, delays

    def close(self):
        self.selector.close()
        for client in self.sockets:
            client.close()


class NeverReads(harness.TestCase):
    """The others' 99th percentile stays within what five runs without it show, and memory stays where it was."""

    CLIENTS, RUNS, SECONDS, RATE = 1000, 5, 2, 20
    PAD = b"x" * 4000  # in a minute more than its socket and the backlog hold

    def feed(self, bridge, seconds):
        source = ("import sys, time\nend = time.monotonic() + float(sys.argv[1])\nn = 0\nwhile time.monotonic() < end:\n  n += 1\n"
                  "  sys.stdout.write('{\"pad\":\"%s\",\"n\":%d,\"at\":%d}\\n' % ('x' * int(sys.argv[2]), n, time.monotonic_ns()))\n"
                  "  sys.stdout.flush()\n  time.sleep(1 / float(sys.argv[3]))\n")
        return subprocess.Popen(["/usr/bin/python3", "-c", source, str(seconds), str(len(self.PAD)), str(self.RATE)],
                                stdout=bridge.process.stdin)

    def p99(self, bridge, crowd):
        source = self.feed(bridge, self.SECONDS)
        received, delays = crowd.read(self.SECONDS + 0.7)
        self.assertEqual(source.wait(10), 0)
        self.assertEqual(len(set(received.values())), 1, "clients that read got different bytes")
        self.assertGreater(len(delays), self.CLIENTS * self.RATE * self.SECONDS / 4)
        return statistics.quantiles(delays, n=100)[98]

    def test_one_who_never_reads_is_not_noticed(self):
        profile = PROFILE | {"limits": {"backlog": "64k"}}
        bridge = Bridge(self, profile, stdin=subprocess.PIPE)
        crowd = Crowd(bridge.port, self.CLIENTS)
        self.addCleanup(crowd.close)
        time.sleep(0.5)
        alone = [self.p99(bridge, crowd) for _ in range(self.RUNS)]

        sleeper = socket.socket()
        self.addCleanup(sleeper.close)
        sleeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sleeper.connect(("127.0.0.1", bridge.port))
        sleeper.sendall(b"GET /ws/feed HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n")
        time.sleep(0.2)
        # It falls behind at once: several times what its socket and the backlog take.
        bridge.process.stdin.write(b'{"pad":"%s"}\n' % (b"y" * 60000) * 100)
        bridge.process.stdin.flush()
        crowd.read(2)
        before = bridge.resident()
        beside = [self.p99(bridge, crowd) for _ in range(self.RUNS)]
        if not harness.sanitized():
            self.assertLess(bridge.resident() - before, 2 << 20)
        # A test does not time; but what would wait for the sleeper would wait for ever, not for some milliseconds more.
        self.assertLess(min(beside), 2 * max(alone) + 20, (alone, beside))
        statistic = bridge.ask("/metrics")[2]
        self.assertRegex(statistic, r'wsbridge_socket_active\{socket="/ws/feed"\} 1001')


if __name__ == "__main__":
    harness.main()
