#!/usr/bin/env python3
"""/openapi.json of a running bridge: it names what is there, and Spectral finds nothing wrong with it."""

import http.client
import json
import re
import shutil
import subprocess

import browser
import harness
from bridge import Bridge

SPECTRAL = harness.ROOT / ".deps/spectral/node_modules/@stoplight/spectral-cli/dist/index.js"
PROFILE = {
    "streams": {"ticks": {"command": ["sh", "-c", "echo '{\"type\":\"tick\"}'; exec sleep 60"]}},
    "workers": {"echo": {"command": ["cat"]}},
    "routes": [
        {"path": "/api/ticks", "stream": "ticks", "access": "open", "summary": "The last tick"},
        {"path": "/api/ticks/all", "stream": "ticks", "give": "history", "form": "ndjson", "access": "open"},
        {"path": "/api/files/{file_id}/packets", "worker": "echo", "argv": ["--limit={limit}", "--", "{file_id}"],
         "params": {"file_id": {"text": "Which file"}, "limit": {"type": "integer", "default": 100, "min": 1, "max": 1000},
                    "order": {"words": ["up", "down"]}, "share": {"type": "number", "max": 0.5}}},
        {"method": "POST", "path": "/api/files", "command": ["cat", "--", "{upload}"], "upload": {}, "status": 201},
        {"method": "POST", "path": "/api/commands", "worker": "echo", "argv": ["--", "{command}"], "rate": "commands",
         "error_as": "{success: false, error: .detail}",
         "params": {"command": {"required": True, "max": 200}, "dry": {"type": "boolean", "default": False}}},
        {"method": "DELETE", "path": "/api/files/{file_id}", "worker": "echo", "argv": ["--", "{file_id}"], "status": 204,
         "params": {"file_id": {}}},
        {"path": "/api/raw", "command": ["cat", "/dev/null"], "form": "raw", "media_type": "application/vnd.tcpdump.pcap"},
        {"path": "/api/cache_statistics", "builtin": "cache_statistics"},
    ],
    "sockets": {"/ws/ticks": {"streams": [{"stream": "ticks"}], "access": "open"}},
}


def traffic():
    """The profile that is installed, without its comments, on a stream that needs no rights."""
    text = (harness.ROOT / "tools/wsbridge/profiles/traffic.json").read_text()
    profile = json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.M))
    profile["streams"]["traffic"]["pipeline"] = [["sleep", "60"]]
    return profile


def status_of(bridge, method, path):
    """The status alone: a stream of records has no end."""
    connection = http.client.HTTPConnection("127.0.0.1", bridge.port, timeout=30)
    try:
        connection.request(method, path)
        return connection.getresponse().status
    finally:
        connection.close()


class OpenApi(harness.TestCase):
    def test_what_it_names_is_there(self):
        for profile in (PROFILE, traffic()):
            bridge = Bridge(self, profile)
            status, headers, document = bridge.ask("/openapi.json")
            self.assertEqual(status, 200)
            self.assertEqual(headers["Content-Type"], "application/json")
            self.assertEqual(document["openapi"], "3.1.0")
            for route in profile["routes"]:
                self.assertIn(route.get("method", "GET").lower(), document["paths"][route["path"]])
            for path, methods in document["paths"].items():
                for method in methods:
                    asked = status_of(bridge, method.upper(), path.replace("{file_id}", "1"))
                    promised = list(map(int, methods[method]["responses"]))
                    self.assertIn(asked, promised, f"{method} {path}")
                # What is not named is refused.
                absent = ({"get", "post", "put", "patch", "delete"} - set(methods)).pop()
                if "/ws/" not in path:
                    self.assertEqual(status_of(bridge, absent.upper(), path.replace("{file_id}", "1")), 405, f"{absent} {path}")

    def test_a_failure_in_the_shape_of_its_route(self):
        status, headers, body = Bridge(self, PROFILE).ask("/api/commands", "POST")
        self.assertEqual((status, headers["Content-Type"]), (401, "application/json"))
        self.assertEqual(body, {"success": False, "error": "a token is needed"})

    def test_spectral(self):
        node = shutil.which("node")
        if node is None or not SPECTRAL.exists():
            self.skipTest("no Spectral (make deps-spectral)")
        for profile in (PROFILE, traffic()):
            folder = self.temp_dir()
            (folder / "rules.json").write_text('{"extends": ["spectral:oas"]}')
            (folder / "openapi.json").write_text(json.dumps(Bridge(self, profile).ask("/openapi.json")[2]))
            done = subprocess.run([node, SPECTRAL, "lint", "--ruleset", "rules.json", "--format", "json", "--quiet", "openapi.json"],
                                  cwd=folder, capture_output=True, timeout=120)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            # A WebSocket answers 101, which Spectral does not count among the successes.
            said = [(row["code"], row["path"]) for row in json.loads(done.stdout or b"[]")]
            other = [row for row in said if row[0] != "operation-success-response" or not row[1][1].startswith("/ws/")]
            self.assertEqual(other, [])

    def test_both_viewers_show_the_routes(self):
        if browser.missing():
            self.missing(browser.missing())
        if not (harness.BIN.parents[1] / ".deps/docs").exists():
            self.skipTest("no viewers (make deps-docs)")
        bridge = Bridge(self, PROFILE)
        driver = browser.open_browser(self.temp_dir())
        self.addCleanup(driver.quit)
        for page in ("docs", "redoc"):
            driver.get(f"http://127.0.0.1:{bridge.port}/{page}")
            text = lambda: driver.execute_script("return document.body.textContent")
            bridge.wait(lambda: "The last tick" in text() and "/api/files/{file_id}/packets" in text(), 20)
            self.assertEqual([entry["message"] for entry in driver.get_log("browser")], [], page)


if __name__ == "__main__":
    harness.main()
