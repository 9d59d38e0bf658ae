#!/usr/bin/python3
"""Workers that hang, die, print garbage, print 1 GB, and clients that go away: what the others see of it."""

import http.client
import socket
import threading
import time

import bridge
import harness

# What it does is the first word of a request.
WORKER = r"""
import json, os, subprocess, sys, threading, time
lock = threading.Lock()
cancelled = set()
def say(**line):
    with lock:
        sys.stdout.write(json.dumps(line) + '\n'); sys.stdout.flush()
def work(id, what):
    if what == 'pid': say(id=id, record={'pid': os.getpid()}, end=True, status=0)
    elif what == 'not_there': say(id=id, end=True, status=3)
    elif what == 'slow': time.sleep(1); say(id=id, record={'slow': True}, end=True, status=0)
    elif what == 'hang': time.sleep(3600)
    elif what == 'wait':
        while id not in cancelled: time.sleep(0.01)
        print('was cancelled', file=sys.stderr, flush=True)
        say(id=id, record={'late': True}); say(id=id, end=True, status=1)
    elif what == 'die': os._exit(1)
    elif what == 'garbage': sys.stdout.write('Segmentation fault\n'); sys.stdout.flush()
    elif what == 'lie': say(id='4711', record={'of': 'another'})
    elif what == 'flood':
        for _ in range(1000): sys.stdout.write('x' * 1000000)
    elif what == 'many':
        for n in range(400000): say(id=id, record={'n': n, 'x': 'x' * 200})
        say(id=id, end=True, status=0)
    elif what == 'child':
        child = subprocess.Popen(['sh', '-c', 'trap "" TERM; while :; do sleep 1; done'])
        say(id=id, record={'pid': child.pid}, end=True, status=0)
for line in sys.stdin:
    request = json.loads(line)
    if request.get('cancel'): cancelled.add(request['id']); continue
    threading.Thread(target=work, args=(request['id'], request['argv'][0][7:]), daemon=True).start()
"""


def profile(**worker):
    route = {"worker": "test", "argv": ["--what={what}"], "params": {"what": {"required": True}}, "access": "everybody"}
    return {
        "workers": {"test": {"command": ["python3", "-c", WORKER]} | worker},
        "routes": [
            route | {"path": "/api/do"},
            route | {"path": "/api/quick", "timeout": "500ms"},
            route | {"path": "/api/records", "form": "ndjson", "timeout": "60s"},
        ],
    }


class Workers(harness.TestCase):
    def start(self, **worker):
        started = bridge.Bridge(self, profile(**worker))
        self.assertEqual(started.ask("/api/do?what=pid")[0], 200)
        return started

    def pid(self, served):
        status, _, body = served.ask("/api/do?what=pid")
        self.assertEqual(status, 200, body)
        return body[0]["pid"] if isinstance(body, list) else body["pid"]

    def test_hang(self):
        served = self.start()
        before = self.pid(served)
        start = time.monotonic()
        status, headers, _ = served.ask("/api/quick?what=hang")
        self.assertEqual(status, 504)
        self.assertIn("problem+json", headers["Content-Type"])
        self.assertLess(time.monotonic() - start, 20)
        self.assertNotEqual(self.pid(served), before)
        self.assertIn("does not end what was cancelled", served.messages())
        self.assertEqual(len(served.processes()), 1)

    def test_a_route_has_its_workers_time(self):
        served = self.start(timeout="500ms")
        start = time.monotonic()
        self.assertEqual(served.ask("/api/do?what=hang")[0], 504)
        self.assertLess(time.monotonic() - start, 20)

    def test_die_and_garbage(self):
        served = self.start()
        for what, why in (("die", "ended"), ("garbage", "what is no answer: Segmentation fault"), ("lie", "4711")):
            with self.subTest(what):
                before = self.pid(served)
                self.assertEqual(served.ask(f"/api/do?what={what}")[0], 502)
                self.assertNotEqual(self.pid(served), before)
                self.assertIn(why, served.messages())
        self.assertEqual(served.ask("/api/do?what=not_there")[0], 404)

    def test_a_gigabyte_in_one_line(self):
        served = self.start()
        before = served.resident()
        self.assertEqual(served.ask("/api/do?what=flood", timeout=60)[0], 502)
        self.assertLess(served.resident() - before, (400 if harness.sanitized() else 40) << 20)
        self.pid(served)

    def test_faults_leave_nothing_behind(self):
        served = self.start()
        served.ask("/api/do?what=die")
        self.pid(served)
        descriptors = served.descriptors()
        for _ in range(40):
            self.assertEqual(served.ask("/api/do?what=die")[0], 502)
            self.pid(served)
        served.wait(lambda: served.descriptors() <= descriptors)
        served.wait(lambda: list(served.processes().values()) == ["S"])

    def test_no_endless_queue(self):
        served = self.start(queue=2)
        answers = []

        def ask():
            answers.append(served.ask("/api/do?what=slow"))

        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        statuses = sorted(status for status, _, _ in answers)
        self.assertEqual(statuses, [200, 200, 200, 503, 503, 503])
        for status, headers, _ in answers:
            if status == 503:
                self.assertGreaterEqual(int(headers["Retry-After"]), 1)

    def test_a_client_that_goes_cancels_its_request(self):
        served = self.start()
        before = self.pid(served)
        client = socket.create_connection(("127.0.0.1", served.port), timeout=10)
        client.sendall(b"GET /api/do?what=wait HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(0.3)
        client.close()
        served.wait(lambda: "was cancelled" in served.messages())
        self.assertEqual(self.pid(served), before)

    def test_a_client_that_does_not_read_holds_its_worker_and_no_memory(self):
        served = self.start(count=2)
        before = served.resident()
        client = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
        client.request("GET", "/api/records?what=many")
        time.sleep(3)
        self.assertLess(served.resident() - before, (400 if harness.sanitized() else 30) << 20)
        self.pid(served)  # the other one works
        body = client.getresponse().read().splitlines()
        self.assertEqual(len(body), 400000)
        client.close()

    def test_sigterm_leaves_no_process(self):
        served = self.start()
        status, _, body = served.ask("/api/do?what=child")
        self.assertEqual(status, 200)
        self.assertGreaterEqual(len(served.processes()), 2)
        threading.Thread(target=lambda: self.swallow(served), daemon=True).start()
        time.sleep(0.3)
        status, taken = served.terminate()
        self.assertEqual(status, 0, served.messages())
        self.assertLess(taken, 15)
        self.assertEqual(served.processes(), {})

    @staticmethod
    def swallow(served):
        try:
            served.ask("/api/quick?what=hang")
        except (OSError, http.client.HTTPException):
            pass


if __name__ == "__main__":
    harness.main()
