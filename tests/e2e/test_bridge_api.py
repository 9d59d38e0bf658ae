#!/usr/bin/python3
"""wsbridge over HTTP: answers that are kept, rates, Redis between two bridges, metrics, health, the built-in pages."""

import concurrent.futures
import contextlib
import http.client
import json
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.parse

import browser
import harness

WORKER = """
import json, os, sys, time
for line in sys.stdin:
    request = json.loads(line)
    if "argv" not in request:
        continue
    with open(os.environ["COUNT_FILE"], "a") as file:
        file.write("x")
    time.sleep(0.3)
    status = int(request["argv"][-1])
    print(json.dumps({"id": request["id"], "record": {"type": "answer", "argv": request["argv"]}}))
    print(json.dumps({"id": request["id"], "end": True, "status": status}), flush=True)
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Bridge:
    """A running `wsbridge serve`; its log is read along."""

    def __init__(self, test, *args, env=None, stdin=subprocess.DEVNULL):
        self.process = test.start_tool("wsbridge", "serve", *args, "--listen", "127.0.0.1:0", env=env, stdin=stdin,
                                       stdout=subprocess.DEVNULL)
        self.log = []
        threading.Thread(target=self._read, daemon=True).start()
        self.port = int(self.wait_for(r"listening on http://127\.0\.0\.1:(\d+)")[1])

    def _read(self):
        for line in self.process.stderr:
            self.log.append(line.decode().rstrip())

    def wait_for(self, pattern, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for line in list(self.log):
                if found := re.search(pattern, line):
                    return found
            time.sleep(0.02)
        raise AssertionError(f"no {pattern!r} in {self.log}")

    def get(self, path, headers=None):
        """Status, headers with names in lower case, body."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            connection.request("GET", path, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


class BridgeTest(harness.TestCase):
    def setUp(self):
        self.folder = self.temp_dir()
        self.count_file = self.folder / "count"
        self.count_file.write_text("")

    def profile(self, **more):
        worker = self.folder / "worker.py"
        worker.write_text(WORKER)
        route = {"worker": "w", "access": "open"}
        status = {"status": {"type": "integer", "default": 0}}
        profile = {
            "workers": {"w": {"command": ["/usr/bin/python3", str(worker)], "count": 2}},
            "routes": [
                route | {"path": "/api/kept/{name}", "argv": ["--", "{name}", "{status}"], "params": {"name": {}} | status, "cache": "1m"},
                route | {"path": "/api/short", "argv": ["short", "0"], "cache": "2s"},
                route | {"path": "/api/few", "argv": ["few", "0"], "cache": "1m", "rate": "few"},
                {"path": "/api/cache_statistics", "builtin": "cache_statistics", "access": "open"},
            ],
            "limits": {"rates": {"few": 5}},
            "open_to": ["127.0.0.0/8"],
        } | more
        path = self.folder / f"{len(list(self.folder.iterdir()))}.json"
        path.write_text(json.dumps(profile))
        return path

    def serve(self, *args, **more):
        return Bridge(self, self.profile(**more), "--db", f"sqlite://{self.folder}/catalog.db", *args, env={"COUNT_FILE": str(self.count_file)})

    def calls(self):
        return len(self.count_file.read_text())


class Cache(BridgeTest):
    def test_one_call_for_all_who_ask_at_once(self):
        bridge = self.serve()
        with concurrent.futures.ThreadPoolExecutor(100) as pool:
            answers = list(pool.map(lambda _: bridge.get("/api/kept/a"), range(100)))
        self.assertEqual({status for status, _, _ in answers}, {200})
        self.assertEqual({body for _, _, body in answers}, {answers[0][2]})
        self.assertEqual(self.calls(), 1)
        bridge.get("/api/kept/b")
        self.assertEqual(self.calls(), 2, "another value is another answer")
        statistics = json.loads(bridge.get("/api/cache_statistics")[2])
        self.assertEqual((statistics["hits"], statistics["misses"], statistics["entries"]), (99, 2, 2))
        self.assertEqual(statistics["hit_rate"], round(99 / 101, 4))
        self.assertEqual([values["misses"] for values in statistics["by_route"].values()], [2])

    def test_age_etag_and_304(self):
        bridge = self.serve()
        _, headers, body = bridge.get("/api/kept/a")
        self.assertEqual(headers["age"], "0")
        time.sleep(1.1)
        status, later, same = bridge.get("/api/kept/a")
        self.assertEqual((status, later["etag"], same), (200, headers["etag"], body))
        self.assertIn(int(later["age"]), range(1, 60))
        status, headers, body = bridge.get("/api/kept/a", {"If-None-Match": f'"other", {headers["etag"]}'})
        self.assertEqual((status, body, headers["etag"]), (304, b"", later["etag"]))
        self.assertEqual(bridge.get("/api/kept/a", {"If-None-Match": '"other"'})[0], 200)

    def test_what_is_too_old_is_made_anew(self):
        bridge = self.serve()
        bridge.get("/api/short")
        bridge.get("/api/short")
        self.assertEqual(self.calls(), 1)
        self.wait_for(lambda: bridge.get("/api/short") and self.calls() == 2)

    def test_failures_are_not_kept(self):
        bridge = self.serve()
        for _ in range(2):
            self.assertEqual(bridge.get("/api/kept/a?status=1")[0], 500)
        self.assertEqual(self.calls(), 2)


class Rates(BridgeTest):
    def test_429_says_when_to_come_back(self):
        bridge = self.serve()
        answers = [bridge.get("/api/few") for _ in range(7)]
        self.assertEqual([status for status, _, _ in answers], [200] * 5 + [429] * 2)
        self.assertIn(int(answers[-1][1]["retry-after"]), range(50, 61))
        self.assertEqual(json.loads(answers[-1][2])["status"], 429)
        self.assertEqual(bridge.get("/api/short")[0], 200, "another route has another class")
        self.assertIn("wsbridge_rate_limited_total 2\n", bridge.get("/metrics")[2].decode())


class Errors(BridgeTest):
    """What a worker or command says with an error record reaches the client; its code decides the status."""

    ANSWER = """
import json, sys
def answers(code, status):
    error = {"type": "error", "message": f"said {code}"} | ({} if code == "none" else {"code": json.loads(code)})
    return [{"type": "answer"}, error][-1 if int(status) else 0:], int(status)
"""
    SPEAKERS = {
        "worker": ANSWER + """
for line in sys.stdin:
    request = json.loads(line)
    if "argv" in request:
        records, status = answers(*request["argv"][1:])
        lines = [{"record": record} for record in records] + [{"end": True, "status": status}]
        print("\\n".join(json.dumps({"id": request["id"]} | line) for line in lines), flush=True)
""",
        "command": ANSWER + """
records, status = answers(*sys.argv[2:4])
print("\\n".join(json.dumps(record) for record in records))
sys.exit(status)
""",
        "bytes": ANSWER + """
sys.stdout.write("".join(sys.argv[4:]) + json.dumps(answers(sys.argv[2], 1)[0][-1]))
sys.exit(int(sys.argv[3]))
""",
    }

    def speakers(self):
        commands = {}
        for name, text in self.SPEAKERS.items():
            (self.folder / f"speaking_{name}.py").write_text(text)
            commands[name] = ["/usr/bin/python3", str(self.folder / f"speaking_{name}.py")]
        params = {"params": {"code": {}, "status": {}}, "access": "open"}
        routes = [params | {"path": "/api/worker/{code}/{status}", "worker": "w", "argv": ["--", "{code}", "{status}"]}]
        for form in ("json", "ndjson", "raw"):
            routes.append(params | {"path": f"/api/{form}/{{code}}/{{status}}", "form": form,
                                    "command": commands["bytes" if form == "raw" else "command"] + ["--", "{code}", "{status}"]})
        routes.append(params | {"path": "/api/behind/{code}/{status}", "form": "raw",
                                "command": commands["bytes"] + ["--", "{code}", "{status}", "bytes"]})
        return self.serve(workers={"w": {"command": commands["worker"]}}, routes=routes)

    def test_the_code_decides(self):
        bridge = self.speakers()
        for code, status, expected in [("409", 3, 409), ("422", 1, 422), ("503", 2, 503), ("none", 2, 400), ("none", 3, 404), ("none", 1, 500),
                                       ("399", 3, 404), ("600", 1, 500), ("-404", 2, 400), ("404.0", 1, 500), ('"409"', 1, 500),
                                       ("4" * 30, 1, 500)]:
            for speaker in ("worker", "json", "ndjson", "raw"):
                with self.subTest(speaker, code=code, status=status):
                    path = f"/api/{speaker}/{urllib.parse.quote(code)}/{status}"
                    answered, headers, body = bridge.get(path)
                    self.assertEqual((answered, headers["content-type"]), (expected, "application/problem+json"), body)
                    self.assertEqual([json.loads(body)[key] for key in ("status", "detail")], [expected, f"said {code}"])

    def test_without_a_failure_it_decides_nothing(self):
        bridge = self.speakers()
        self.assertEqual(json.loads(bridge.get("/api/worker/409/0")[2]), [{"type": "answer"}])
        self.assertEqual(json.loads(bridge.get("/api/json/409/0")[2]), [{"type": "answer"}])
        # Bytes are bytes: what looks like a record is one only where nothing else comes, and the command fails.
        error = {"type": "error", "message": "said 409", "code": 409}
        status, headers, body = bridge.get("/api/raw/409/0")
        self.assertEqual((status, headers["content-type"], json.loads(body)), (200, "application/octet-stream", error))
        self.assertEqual(bridge.get("/api/behind/409/0")[2], b"bytes" + body)
        with self.assertRaises(http.client.IncompleteRead):
            bridge.get("/api/behind/409/1")


class Redis(BridgeTest):
    def setUp(self):
        super().setUp()
        if not shutil.which("redis-server"):
            self.missing("no redis-server (apt-get install redis-server)")
        self.port = free_port()
        self.redis = subprocess.Popen(["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
                                      stdout=subprocess.DEVNULL, cwd=self.folder)
        self.addCleanup(self.redis.wait)
        self.addCleanup(self.redis.kill)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    break
            time.sleep(0.02)

    def is_kept(self):
        """Whether the answer is in Redis: the bridge does not wait for that."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection, connection.makefile("rb") as said:
            connection.sendall(b"SELECT 1\r\nDBSIZE\r\n")
            return said.readline() == b"+OK\r\n" and said.readline() != b":0\r\n"

    def test_two_bridges_share_and_go_on_without_it(self):
        url = f"redis://127.0.0.1:{self.port}/1"
        one, two = self.serve("--redis", url), self.serve("--redis", url)
        body = one.get("/api/kept/a")[2]
        self.wait_for(self.is_kept)
        self.assertEqual(two.get("/api/kept/a")[2], body)
        self.assertEqual(self.calls(), 1)
        together = [bridge.get("/api/few")[0] for bridge in (one, two) * 4]
        self.assertEqual(together, [200] * 5 + [429] * 3)

        for signal_number in (signal.SIGSTOP, signal.SIGKILL):  # it hangs, then it is gone
            self.redis.send_signal(signal_number)
            begin = time.monotonic()
            self.assertEqual(one.get(f"/api/kept/{signal_number}")[0], 200)
            self.assertEqual(one.get("/api/kept/a")[0], 200)
            self.assertLess(time.monotonic() - begin, 10)
        one.wait_for("redis: .*going on without it")
        self.assertEqual([one.get("/api/few")[0] for _ in range(6)], [200] * 5 + [429], "counted here alone")
        self.assertEqual(sum("redis" in line for line in one.log), 1, one.log)


class Around(BridgeTest):
    def test_prometheus_reads_the_metrics(self):
        bridge = self.serve()
        bridge.get("/api/short")
        status, headers, body = bridge.get("/metrics")
        self.assertEqual((status, headers["content-type"].split(";")[0]), (200, "application/openmetrics-text"))
        self.assertTrue(body.endswith(b"# EOF\n"))
        self.assertRegex(body.decode(), r'\nwsbridge_worker_calls_total\{worker="w"\} 1\n')
        if not shutil.which("prometheus"):
            self.missing("no prometheus (apt-get install prometheus)")
        configuration = self.folder / "prometheus.yml"
        configuration.write_text("{global: {scrape_interval: 1s}, scrape_configs: [{job_name: b, static_configs: [{targets: ['127.0.0.1:%d']}]}]}" % bridge.port)
        port = free_port()
        prometheus = subprocess.Popen(["prometheus", f"--config.file={configuration}", f"--storage.tsdb.path={self.folder}/data",
                                       f"--web.listen-address=127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(prometheus.wait)
        self.addCleanup(prometheus.kill)
        self.assertEqual(self.ask_prometheus(port, "up"), "1")
        self.assertEqual(self.ask_prometheus(port, 'wsbridge_worker_calls_total{worker="w"}'), "1")
        self.assertEqual(self.ask_prometheus(port, 'wsbridge_http_answer_seconds_bucket{le="+Inf"} > bool 0'), "1")

    def ask_prometheus(self, port, query):
        end = time.monotonic() + 40
        while time.monotonic() < end:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                connection.request("GET", "/api/v1/query?" + urllib.parse.urlencode({"query": query}))
                result = json.loads(connection.getresponse().read())["data"]["result"]
                connection.close()
                if result:
                    return result[0]["value"][1]
            except (OSError, ValueError, KeyError):
                pass
            time.sleep(0.3)
        return None

    def test_health_is_503_when_a_stream_has_failed(self):
        well = self.serve()
        status, _, body = well.get("/health")
        self.assertEqual((status, json.loads(body)["status"]), (200, "ok"))
        self.assertGreaterEqual(json.loads(body)["uptime"], 0)
        ill = self.serve(streams={"s": {"command": ["false"], "restart": "never"}})
        end = time.monotonic() + 10
        while (answer := ill.get("/health"))[0] == 200 and time.monotonic() < end:
            time.sleep(0.05)
        self.assertEqual((answer[0], json.loads(answer[2])["status"]), (503, "not ready"))
        self.assertIn("failed", json.loads(answer[2])["checks"].values())

    def test_pages_need_no_foreign_host(self):
        bridge = self.serve()
        for path in ("/", "/docs", "/redoc", "/setup"):
            with self.subTest(path):
                status, headers, body = bridge.get(path)
                self.assertEqual((status, headers["content-type"]), (200, "text/html; charset=utf-8"))
                self.assertRegex(headers["content-security-policy"], "^default-src 'self'")
                self.assertNotRegex(body.decode(), r"(src|href)=.https?:")
                for file in re.findall(r'(?:src|href)="(/_/[^"]+)"', body.decode()):
                    expected = 200 if "/docs/" not in file or (harness.BIN.parents[1] / ".deps/docs").exists() else 404
                    self.assertEqual(bridge.get(file)[0], expected, file)
        self.assertNotIn("unsafe", bridge.get("/")[1]["content-security-policy"])
        for path in ("/_/docs/../../CMakeLists.txt", "/_/docs/%2e%2e/x", "/_/docs/LICENSE", "/_/x", "/_/report.jq", "/_/metrics.json"):
            self.assertIn(bridge.get(path)[0], (400, 404), path)


class Page(BridgeTest):
    """The built-in page in a real browser, no profile."""

    def browser(self):
        if browser.missing():
            self.missing(browser.missing())
        driver = browser.open_browser(self.temp_dir(), "--window-size=1280,1000")
        self.addCleanup(driver.quit)
        return driver

    def until(self, look, expected, seconds=20):
        end = time.monotonic() + seconds
        while (found := look()) != expected and time.monotonic() < end:
            time.sleep(0.1)
        self.assertEqual(found, expected)

    def test_a_newcomer_sees_the_stream_and_its_end(self):
        bridge = Bridge(self, "--stream", "traffic=-", stdin=subprocess.PIPE)
        driver = self.browser()
        driver.get(f"http://127.0.0.1:{bridge.port}/")
        read = lambda name: driver.execute_script("return document.getElementById(arguments[0]).textContent", name)
        self.until(lambda: read("connection"), "connected")
        windows = [{"client": f"10.0.0.{i}", "packets": 3, "bytes": 300 // i, "in_bytes": 200 // i, "out_bytes": 100 // i} for i in (1, 2)]
        record = {"type": "windows", "ts": "2026-11-20T09:03:00.000000Z", "until": "2026-11-20T09:03:05.000000Z", "bytes": 450, "windows": windows}
        bridge.process.stdin.write((json.dumps(record) + "\n").encode())
        bridge.process.stdin.flush()
        self.until(lambda: read("counts"), "1 records")
        self.assertEqual(json.loads(read("one")), record)
        bars = driver.execute_script("return [...document.querySelectorAll('#bars tbody tr')].map((row) => row.innerText.split(/\\s+/).filter(Boolean))")
        self.assertEqual(bars, [["10.0.0.1", "200", "B", "100", "B", "300", "B"], ["10.0.0.2", "100", "B", "50", "B", "150", "B"]])
        widths = driver.execute_script("return [...document.querySelectorAll('#bars rect')].map((part) => Math.round(part.width.baseVal.value))")
        self.assertEqual(widths, [667, 333, 333, 167])
        self.assertEqual([entry["message"] for entry in driver.get_log("browser")], [])
        bridge.process.terminate()
        self.until(lambda: read("connection"), "disconnected")


if __name__ == "__main__":
    harness.main()
