#!/usr/bin/python3
"""Clients of HTTP that mean harm, or are simply too many."""

import collections
import os
import resource
import select
import socket
import time

import bridge
import harness

PROFILE = {
    "streams": {"one": {"command": ["sh", "-c", "echo '{\"n\":1}'; sleep 3600"]}},
    "routes": [{"path": "/api/one", "stream": "one", "access": "everybody"}],
    "web": "web",
}
GET = b"GET /api/one HTTP/1.1\r\nHost: localhost\r\n\r\n"


def connect(port, source="127.0.0.1"):
    one = socket.socket()
    one.settimeout(20)
    one.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
    one.bind((source, 0))
    one.connect(("127.0.0.1", port))
    return one


def status(one):
    """Of the answer, as text; "reset" or "closed" where none came."""
    try:
        return one.recv(4096)[9:12].decode() or "closed"
    except ConnectionError:
        return "reset"
    finally:
        one.close()


class Http(harness.TestCase):
    def serve(self):
        (self.web / "index.html").write_text("mine")
        served = bridge.Bridge(self, PROFILE | {"web": str(self.web)})
        served.wait(lambda: served.ask("/api/one")[0] == 200)
        return served

    def setUp(self):
        super().setUp()
        self.web = self.temp_dir() / "web"
        self.web.mkdir()

    def test_100000_connections_15000_at_once(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < 16_000:
            self.missing("a limit of 16,000 descriptors")
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        served = self.serve()
        descriptors = served.descriptors()
        answers, held = collections.Counter(), collections.deque()
        for n in range(100_000):
            one = connect(served.port, f"127.0.0.{2 + n % 8}")
            try:
                one.send(GET)
                held.append(one)
            except ConnectionError:  # beyond the limit of 12,000 it is told so and closed at once
                answers["503"] += 1
                one.close()
            if len(held) == (15_000 if n < 30_000 else 11_000):
                answers[status(held.popleft())] += 1
            while len(held) > 11_000 and n >= 30_000:
                answers[status(held.popleft())] += 1
        while held:
            answers[status(held.popleft())] += 1
        self.assertEqual(sum(answers.values()), 100_000)
        self.assertEqual(set(answers) - {"200", "503", "reset", "closed"}, set())
        self.assertGreater(answers["200"], 80_000, answers)
        self.assertGreater(answers["503"], 0, answers)
        served.wait(lambda: served.descriptors() <= descriptors + 2)
        self.assertEqual(served.ask("/api/one")[0], 200)
        self.assertLess(served.resident(), (2000 if harness.sanitized() else 400) << 20)

    def test_slow_heads_and_bodies(self):
        served = self.serve()
        start = time.monotonic()
        slow = [connect(served.port) for _ in range(400)]
        for n, one in enumerate(slow):
            one.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n" if n % 2 else
                     b"POST /api/one HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999\r\n\r\n")
        while slow and time.monotonic() - start < 25:
            asked = time.monotonic()
            self.assertEqual(served.ask("/api/one")[0], 200)
            self.assertLess(time.monotonic() - asked, 5)
            ended = select.select(slow, [], [], 0)[0] if len(slow) < 1000 else []
            for one in slow:
                if one in ended:
                    one.close()
                    continue
                try:
                    one.send(b"a")
                except ConnectionError:
                    pass
            slow = [one for one in slow if one not in ended]
            time.sleep(0.5)
        self.assertEqual(slow, [])
        self.assertGreater(time.monotonic() - start, 5)

    def test_no_descriptors_left(self):
        served = self.serve()
        most = served.descriptors() + 20
        resource.prlimit(served.process.pid, resource.RLIMIT_NOFILE, (most, most))
        held = [connect(served.port) for _ in range(200)]
        for one in held:
            one.send(GET)
        served.wait(lambda: "accept: too many open files" in served.messages())
        answers = collections.Counter(status(one) for one in held)  # each that goes makes room for another
        self.assertEqual(answers, {"200": 200})
        self.assertEqual(served.ask("/api/one")[0], 200)

    def test_heads_that_lie(self):
        served = self.serve()
        post = b"POST /api/one HTTP/1.1\r\nHost: localhost\r\n"
        smuggled = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for request, expected in (
                (post + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", "400"),
                (post + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"),
                (post + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n", "400"),
                (post + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc\r\n0\r\n\r\n", "400"),
                (post + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n", "400"),
                (post + b"A: b\r\n c: d\r\n\r\n", "400"),
                (post + b"A: b\nContent-Length: 3\r\n\r\nabc", "400"),
                (post + b"A: \0\r\n\r\n", "400"),
                (post + b"A: " + b"a" * (20 << 20), "431"),
                (b"GET /" + b"a" * (20 << 20), "414")):
            one = connect(served.port)
            try:
                one.sendall(request + smuggled)
            except ConnectionError:
                pass  # it has heard enough
            answer = b""
            try:
                while block := one.recv(65536):
                    answer += block
            except ConnectionError:
                pass
            one.close()
            self.assertEqual(answer[9:12].decode(), expected, request[:100])
            self.assertEqual(answer.count(b"HTTP/1.1 "), 1, answer)

    def test_paths_that_lead_out(self):
        (self.web.parent / "secret").write_text("secret")
        (self.web / "link").symlink_to("../secret")
        (self.web / "up").symlink_to("..")
        (self.web / ".hidden").write_text("hidden")
        served = self.serve()
        self.assertEqual(served.ask("/")[2], "mine")
        for path in ("/../secret", "/%2e%2e/secret", "/..%2fsecret", "/.%2e/secret", "/link", "/up/secret", "/.hidden",
                     "//etc/passwd", "/%2fetc/passwd", "/index.html%00.png", "/..\\secret", "/web/../../secret",
                     "/_/../profile.json", "/_/docs/../../etc/passwd", f"//{os.path.abspath(__file__)}"):
            with self.subTest(path):
                code, _, body = served.ask(path)
                self.assertIn(code, (400, 404))
                self.assertNotIn("secret", str(body))


if __name__ == "__main__":
    harness.main()
