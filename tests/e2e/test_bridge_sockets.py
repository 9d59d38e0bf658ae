#!/usr/bin/python3
"""WebSockets of a bridge as others see them: python-websockets, raw bytes, `wsbridge connect` and HTTP."""

import asyncio
import base64
import http.client
import json
import os
import re
import socket
import ssl
import subprocess
import time

import websockets

import harness

SILENT = "import sys\nwith open(sys.argv[1], 'wb', buffering=0) as f:\n  for line in sys.stdin.buffer: f.write(line)"
KEY = base64.b64encode(b"0123456789abcdef").decode()


def frame(first, payload=b"", mask=b"\x01\x02\x03\x04"):
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big") if size < 65536 else b"\xff" + size.to_bytes(8, "big")
    return bytes([first]) + length + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


class Raw:
    """A client of bytes."""

    def __init__(self, test, path, headers=""):
        port = test.port
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        test.addCleanup(self.socket.close)
        self.socket.sendall((f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{headers}\r\n").encode())
        self.file = self.socket.makefile("rb")
        self.head = b""
        while not self.head.endswith(b"\r\n\r\n"):
            self.head += self.file.read(1) or b"\r\n\r\n"

    def read_frame(self):
        """(first byte, payload); None at the end."""
        head = self.file.read(2)
        if len(head) < 2:
            return None
        size = head[1]
        if size > 125:
            size = int.from_bytes(self.file.read(2 if size == 126 else 8), "big")
        return head[0], self.file.read(size)

    def close_code(self):
        while (got := self.read_frame()) is not None:
            if got[0] == 0x88:
                return int.from_bytes(got[1][:2], "big")
        return None


class Sockets(harness.TestCase):
    def setUp(self):
        self.folder = self.temp_dir()
        for name in ("feed", "keyed"):
            os.mkfifo(self.folder / name)

    def serve(self, sockets, routes=(), limits=None, feed=None, args=()):
        profile = {
            "streams": {
                "feed": {"command": feed or ["cat", str(self.folder / "feed")], "restart": "never", "history": 10},
                "keyed": {"command": ["cat", str(self.folder / "keyed")], "restart": "never", "key": "k"},
            },
            "workers": {"echo": {"command": ["cat"]},
                        "silent": {"command": ["/usr/bin/python3", "-c", SILENT, str(self.folder / "asked")]},
                        "answer": {"command": ["jq", "--unbuffered", "-c",
                                               "{id: .id, record: {type: \"answer\", argv: .argv}}, {id: .id, end: true, status: 0}"]}},
            "routes": list(routes), "sockets": sockets, "limits": limits or {},
        }
        path = self.folder / "profile.json"
        path.write_text(json.dumps(profile))
        log = open(self.folder / "log", "wb")
        self.addCleanup(log.close)
        self.bridge = self.start_tool("wsbridge", "serve", path, "--listen", "127.0.0.1:0", "--store", self.folder, *args,
                                      stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while not (found := re.search(r"listening on https?://127\.0\.0\.1:(\d+)", self.log())):
            if self.bridge.poll() is not None or time.monotonic() > deadline:
                self.fail(self.log())
            time.sleep(0.02)
        self.port = int(found.group(1))
        if feed is None:
            self.feed = open(self.folder / "feed", "wb", buffering=0)
            self.addCleanup(self.feed.close)
        self.keyed = open(self.folder / "keyed", "wb", buffering=0)
        self.addCleanup(self.keyed.close)

    def log(self):
        return (self.folder / "log").read_text()

    def url(self, path):
        return f"ws://127.0.0.1:{self.port}{path}"

    def run_async(self, coroutine, timeout=60):
        return asyncio.run(asyncio.wait_for(coroutine, timeout))

    def test_all_clients_get_all_in_order_deflated_or_not(self):
        self.serve({"/ws/feed": {"streams": [{"stream": "feed", "history": 0}], "access": "open"}}, limits={"backlog": "64M"})

        async def client(deflate):
            async with websockets.connect(self.url("/ws/feed"), compression=deflate, max_queue=None) as ws:
                ready.release()
                return [json.loads(await ws.recv()) for _ in range(20000)]

        async def scenario():
            nonlocal ready
            ready = asyncio.Semaphore(0)
            clients = [asyncio.create_task(client("deflate" if i % 2 else None)) for i in range(6)]
            for _ in clients:
                await ready.acquire()
            lines = b"".join(b'{"n":%d,"pad":"%s"}\n' % (n, b"x" * (n % 300)) for n in range(20000))
            await asyncio.to_thread(self.write_all, self.feed, lines)
            return await asyncio.gather(*clients)

        ready = None
        for got in self.run_async(scenario()):
            self.assertEqual([record["n"] for record in got], list(range(20000)))

    def write_all(self, file, data):
        while data:
            data = data[file.write(data):]

    def test_m42_m43_welcome_heartbeat_timestamp_ping(self):
        self.serve({"/ws/feed": {"streams": [{"stream": "feed", "as": "{type: \"row\", n}"}], "access": "open", "timestamp": True,
                                 "heartbeat": "200ms", "welcome": {"type": "welcome", "message": "hello"}}})
        self.feed.write(b'{"n":1}\n')

        async def scenario():
            async with websockets.connect(self.url("/ws/feed")) as ws:
                await ws.send("ping")
                seen = {}
                while set(seen) != {"welcome", "row", "heartbeat", "pong"}:
                    message = json.loads(await ws.recv())
                    self.assertRegex(message["timestamp"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$")
                    seen[message["type"]] = message
                return seen

        seen = self.run_async(scenario())
        self.assertEqual(seen["welcome"]["message"], "hello")
        self.assertEqual(seen["row"]["n"], 1)
        self.assertRegex(seen["heartbeat"]["server_time"], r"^20\d\d-")

    def test_messages_to_a_worker_and_back(self):
        self.serve({"/ws/do": {"access": "open", "receive": [{"type": "command", "worker": "answer", "argv": ["run", "--", "{command}"],
                               "access": "open", "params": {"command": {"type": "text", "required": True}}}]},
                    "/ws/both": {"worker": "echo", "access": "open"}})

        async def scenario():
            async with websockets.connect(self.url("/ws/do")) as ws:
                await ws.send('{"type":"command","command":"a; $(b)"}')
                answer = json.loads(await ws.recv())
                self.assertEqual(answer["argv"], ["run", "--", "a; $(b)"])
                for bad in ("{}", "nonsense", '{"type":"other"}', '{"type":"command"}'):
                    await ws.send(bad)
                    self.assertEqual(json.loads(await ws.recv())["type"], "error")
            async with websockets.connect(self.url("/ws/both")) as ws:
                for n in range(500):
                    await ws.send(json.dumps({"n": n}))
                for n in range(500):
                    self.assertEqual(json.loads(await ws.recv()), {"n": n})
                await ws.send(b"\xff binary")
                self.assertEqual(await ws.recv(), "\\xff binary")
                await ws.send('{\n "pretty": 1\n}')
                self.assertEqual(json.loads(await ws.recv()), {"pretty": 1})

        self.run_async(scenario())

    def test_a_message_is_cancelled_when_its_client_goes(self):
        self.serve({"/ws/do": {"access": "open", "receive": [{"type": "wait", "worker": "silent", "argv": ["x"], "access": "open"}]}})
        client = Raw(self, "/ws/do")
        client.socket.sendall(frame(0x81, b'{"type":"wait"}'))
        asked = self.folder / "asked"
        self.wait_for(lambda: asked.exists() and b'"argv"' in asked.read_bytes())
        client.file.close()
        client.socket.close()
        self.wait_for(lambda: b'"cancel"' in asked.read_bytes())

    def wait_for(self, condition, seconds=10):
        deadline = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), deadline, self.log())
            time.sleep(0.05)

    def test_slow_clients_are_told(self):
        self.serve({"/ws/drop": {"streams": [{"stream": "feed", "history": 0}], "access": "open"},
                    "/ws/cut": {"streams": [{"stream": "feed", "history": 0, "slow": "cut"}], "access": "open"},
                    "/ws/newest": {"streams": [{"stream": "keyed", "history": 0, "slow": "conflate"}], "access": "open"}},
                   limits={"backlog": "1M"})
        clients = {name: Raw(self, f"/ws/{name}") for name in ("drop", "cut", "newest")}
        time.sleep(0.3)
        count = 300000
        for start in range(0, count, 1000):
            self.write_all(self.feed, b"".join(b'{"n":%d,"pad":"%s"}\n' % (n, b"x" * 100) for n in range(start, start + 1000)))
            self.write_all(self.keyed, b"".join(b'{"k":%d,"n":%d,"pad":"%s"}\n' % (n % 10, n, b"x" * 100) for n in range(start, start + 1000)))
        peak = int(re.search(r"VmHWM:\s+(\d+) kB", open(f"/proc/{self.bridge.pid}/status").read()).group(1))
        if not harness.sanitized():
            self.assertLess(peak, 100_000)  # 80 MB went to clients that do not read
        self.assertEqual(clients["cut"].close_code(), 1013)

        expected = 0  # of the feed's numbers, which begin with 0; those of the messages begin with 1
        gaps = 0
        while expected < count:
            message = json.loads(clients["drop"].read_frame()[1])
            if message.get("type") == "gap":
                self.assertEqual(message["from"], expected + 1)
                expected = message["to"]
                gaps += 1
            else:
                self.assertEqual(message["n"], expected)
                expected += 1
        self.assertGreater(gaps, 0)

        got = skipped = 0
        newest = {}
        while got + skipped < count:
            message = json.loads(clients["newest"].read_frame()[1])
            if message.get("type") == "skipped":
                skipped += message["count"]
            else:
                got += 1
                self.assertGreater(message["n"], newest.get(message["k"], -1))
                newest[message["k"]] = message["n"]
        self.assertGreater(skipped, 0)
        self.assertEqual(newest, {n % 10: n for n in range(count - 10, count)})

    def test_a_message_larger_than_a_write_is_not_held_up_by_another_stream(self):
        self.serve({"/ws/two": {"streams": [{"stream": "keyed", "history": 0}, {"stream": "feed", "history": 0}], "access": "open"}})
        client = Raw(self, "/ws/two")
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        time.sleep(0.3)
        self.write_all(self.feed, b'{"big":"%s"}\n' % (b"x" * 1_000_000))
        for n in range(20000):
            self.keyed.write(b'{"k":1,"n":%d}\n' % n)
        while "big" not in (message := json.loads(client.read_frame()[1])):
            self.assertLess(message["n"], 19999)

    def test_block_loses_nothing_and_has_one_reader(self):
        self.serve({"/ws/one": {"streams": [{"stream": "feed", "history": 0, "slow": "block"}], "access": "open"}}, limits={"backlog": "64k"})
        first = Raw(self, "/ws/one")
        self.assertEqual(Raw(self, "/ws/one").close_code(), 1013)
        writer = subprocess.Popen(["sh", "-c", 'seq 200000 | sed "s/.*/{\\"n\\":&,\\"pad\\":\\"................................................................................\\"}/"'],
                                  stdout=self.feed)
        time.sleep(2)
        self.assertIsNone(writer.poll())  # it waits for the reader
        for n in range(1, 200001):
            self.assertEqual(json.loads(first.read_frame()[1])["n"], n)
        self.assertEqual(writer.wait(10), 0)

    def test_what_breaks_the_protocol_is_closed_with_its_code(self):
        self.serve({"/ws/feed": {"streams": [{"stream": "feed"}], "access": "open"}}, limits={"message": "100k"})
        deflate = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
        bomb = subprocess.run(["python3", "-c", "import zlib,sys; c=zlib.compressobj(9,8,-15); sys.stdout.buffer.write((c.compress(bytes(64<<20))+c.flush(zlib.Z_SYNC_FLUSH))[:-4])"],
                              capture_output=True, check=True).stdout
        for name, data, code, headers in [
            ("no mask", b"\x81\x05Hello", 1002, ""), ("reserved opcode", frame(0x83), 1002, ""),
            ("reserved bit", frame(0xC1, b"x"), 1002, ""), ("long ping", frame(0x89, b"x" * 126), 1002, ""),
            ("bad close", frame(0x88, b"\x03\xed"), 1002, ""), ("half a code", frame(0x88, b"\x03"), 1002, ""),
            ("not UTF-8", frame(0x81, b"\xff"), 1007, ""), ("not UTF-8 in fragments", frame(0x01, b"\xce") + frame(0x80, b"x"), 1007, ""),
            ("binary", frame(0x82, b"x"), 1003, ""), ("too long", frame(0x81, b"x" * 200000), 1009, ""),
            ("bomb", frame(0xC1, bomb), 1009, deflate), ("no deflate", frame(0xC1, b"\xff\xff\xff"), 1007, deflate),
            ("close", frame(0x88, b"\x03\xe8bye"), 1000, ""), ("own code", frame(0x88, b"\x0f\xa0"), 4000, ""),
        ]:
            with self.subTest(name):
                client = Raw(self, "/ws/feed", headers)
                self.assertTrue(client.head.startswith(b"HTTP/1.1 101 "), client.head)
                client.socket.sendall(data)
                self.assertEqual(client.close_code(), code)

    def test_answers_to_control_frames(self):
        self.serve({"/ws/feed": {"streams": [{"stream": "feed", "history": 0}], "access": "open"}})
        client = Raw(self, "/ws/feed")
        client.socket.sendall(frame(0x01, b"pi") + frame(0x89, b"between") + frame(0x80, b"ng"))
        self.assertEqual(client.read_frame(), (0x8A, b"between"))
        self.assertEqual(json.loads(client.read_frame()[1])["type"], "pong")
        client.socket.sendall(frame(0x88))
        self.assertEqual(client.read_frame(), (0x88, b""))
        self.assertIsNone(client.read_frame())

    def test_silence_is_pinged_and_then_ended(self):
        self.serve({"/ws/feed": {"streams": [{"stream": "feed", "history": 0}], "access": "open"}}, limits={"idle": "1s"})
        alive, dead = Raw(self, "/ws/feed"), Raw(self, "/ws/feed")
        begun = time.monotonic()
        while time.monotonic() - begun < 4:
            self.assertEqual(alive.read_frame(), (0x89, b""))
            alive.socket.sendall(frame(0x8A))
        self.assertEqual(dead.read_frame(), (0x89, b""))
        self.assertIsNone(dead.read_frame())

    def test_handshakes(self):
        self.serve({"/ws/feed": {"streams": [{"stream": "feed"}], "access": "open"}})
        good = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": KEY}
        for change, status in [({"Sec-WebSocket-Version": "8"}, 426), ({"Sec-WebSocket-Key": "x"}, 400), ({"Upgrade": "x"}, 426), ({"Connection": "close"}, 426)]:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            connection.request("GET", "/ws/feed", headers=good | change)
            answer = connection.getresponse()
            self.assertEqual(answer.status, status, change)
            if status == 426 and "Sec-WebSocket-Version" in change:
                self.assertEqual(answer.getheader("Sec-WebSocket-Version"), "13")
            connection.close()

    def test_drain_closes_with_1001(self):
        self.serve({"/ws/feed": {"streams": [{"stream": "feed"}], "access": "open"}})
        clients = [Raw(self, "/ws/feed") for _ in range(5)]
        self.bridge.terminate()
        for client in clients:
            self.assertEqual(client.close_code(), 1001)
            client.socket.sendall(frame(0x88, b"\x03\xe9"))
        self.assertEqual(self.bridge.wait(15), 0, self.log())

    def test_stream_over_http_has_history_and_an_end(self):
        self.serve({}, routes=[{"path": "/streams/feed", "stream": "feed", "form": "ndjson", "access": "open"}])
        self.feed.write(b"".join(b'{"n":%d}\n' % n for n in range(5)))
        time.sleep(0.5)
        curl = subprocess.Popen(["curl", "-sN", f"http://127.0.0.1:{self.port}/streams/feed"], stdout=subprocess.PIPE)
        self.addCleanup(self._end, curl)
        got = [json.loads(curl.stdout.readline())["n"] for _ in range(5)]
        self.write_all(self.feed, b"".join(b'{"n":%d}\n' % n for n in range(5, 10000)))
        self.feed.close()
        got += [json.loads(line)["n"] for line in curl.stdout]
        self.assertEqual(got, list(range(10000)))
        self.assertEqual(curl.wait(10), 0)

    def test_connect_joins_a_command_to_a_socket(self):
        self.serve({"/ws/both": {"worker": "echo", "access": "open"},
                    "/ws/feed": {"streams": [{"stream": "feed", "history": 5}], "access": "open"}})
        command = ["sh", "-c", "seq 1000; i=0; while [ $i -lt 1000 ] && read -r line; do echo $line >&2; i=$((i+1)); done; exit 7"]
        done = self.run_tool("wsbridge", "connect", self.url("/ws/both"), "--", *command, timeout=60)
        self.assertEqual(done.status, 7, done)
        self.assertIn(b"1000", done.err)
        # Without a command: our own standard input and output, to the end of input.
        done = self.run_tool("wsbridge", "connect", self.url("/ws/both"), stdin=b'{"a":1}\n{"b":2}\n')
        self.assertEqual(done.status, 0, done)
        # An empty input ends nothing, our reader does.
        self.feed.write(b'{"n":1}\n{"n":2}\n')
        done = self.shell(f"wsbridge connect {self.url('/ws/feed')} </dev/null 2>/dev/null | head -n 2")
        self.assertEqual(done.records, [{"n": 1}, {"n": 2}])

    def test_connect_comes_back_and_loses_nothing_while_away(self):
        got = []

        async def handler(ws):
            try:
                async for message in ws:
                    got.append(int(message))
                    if len(got) == 500:  # and gone without a word
                        ws.transport.abort()
            except websockets.ConnectionClosedError:
                pass

        async def scenario():
            async with websockets.serve(handler, "127.0.0.1", 0) as server:
                port = server.sockets[0].getsockname()[1]
                client = await asyncio.create_subprocess_exec(
                    str(harness.BIN / "wsbridge"), "connect", f"ws://127.0.0.1:{port}/", "--", "sh", "-c",
                    "i=0; while [ $i -lt 600 ]; do i=$((i+1)); echo $i; sleep 0.005; done", stderr=subprocess.PIPE)
                return (await client.communicate())[1], client.returncode

        errors, status = self.run_async(scenario())
        self.assertEqual(status, 0, errors)
        self.assertIn(b"again in", errors)
        self.assertEqual(got[:500], list(range(1, 501)))
        # What was on its way when the connection went can be lost; what came after is not.
        self.assertGreater(len(got), 580)
        self.assertEqual(got[-1], 600)
        self.assertEqual(got, sorted(set(got)))

    def test_connect_over_tls_verifies(self):
        certificate, key = self.folder / "cert.pem", self.folder / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate],
                       check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        token = self.folder / "token"
        token.write_text("secret\n")

        async def handler(ws):
            await ws.send(ws.request_headers.get("Authorization", "none"))
            await ws.close()

        async def scenario():
            async with websockets.serve(handler, "127.0.0.1", 0, ssl=context) as server:
                port = server.sockets[0].getsockname()[1]
                outcomes = []
                for url, args in [(f"wss://localhost:{port}/", ["--ca", certificate, "--token-file", token]),
                                  (f"wss://127.0.0.1:{port}/x", ["--ca", certificate]), (f"wss://localhost:{port}/", [])]:
                    line = f"wsbridge connect {url} {' '.join(map(str, args))} </dev/null | head -n 1"
                    outcomes.append(await asyncio.to_thread(self.shell, line))
                return outcomes

        named, numbered, unknown = self.run_async(scenario())
        self.assertEqual(named.out, b"Bearer secret\n", named)
        self.assertEqual(numbered.out, b"none\n", numbered)
        self.assertEqual(unknown.out, b"")
        self.assertRegex(unknown.err, b"certificate")

    def test_connect_says_what_is_wrong(self):
        self.serve({"/ws/closed": {"streams": [{"stream": "feed"}]}})
        for url in ("http://127.0.0.1/", "ws://", "ws://[::1/x", "ws://a b/", "ws://user@host/"):
            self.assert_fails(self.run_tool("wsbridge", "connect", url), "not a WebSocket's URL", status=2)
        self.assert_fails(self.run_tool("wsbridge", "connect", self.url("/ws/closed")), "answered 401")
        self.assert_fails(self.run_tool("wsbridge", "connect", self.url("/nothing")), "answered 404")


if __name__ == "__main__":
    harness.main()
