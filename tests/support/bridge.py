"""A running `wsbridge serve` for tests, and what can be seen of it from outside."""

import http.client
import json
import os
import pathlib
import re
import time
import uuid


class Bridge:
    """Serves `profile` on a free port until the test ends. All that it starts is known by a mark in its environment."""

    def __init__(self, test, profile, *args, stdin=None):
        self.test = test
        self.folder = test.temp_dir()
        self.log = self.folder / "log"
        self.mark = f"WIRELINE_TEST_MARK={uuid.uuid4()}"
        path = self.folder / "profile.json"
        path.write_text(json.dumps(profile))
        with open(self.log, "wb") as log:
            self.process = test.start_tool(
                "wsbridge", "serve", path, "--listen", "127.0.0.1:0", "--store", self.folder, *args,
                stdin=stdin, stdout=log, stderr=log, env=dict([self.mark.split("=")]))
        found = self.wait(lambda: re.search(r"listening on https?://127\.0\.0\.1:(\d+)", self.messages()), 30)
        self.port = int(found.group(1))

    def messages(self):
        return self.log.read_text(errors="replace")

    def wait(self, condition, seconds=15):
        """What `condition()` says once it is true; the test fails when that takes longer or the bridge is gone."""
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            if time.monotonic() > deadline or self.process.poll() is not None:
                self.test.fail(f"did not happen in {seconds} s; the log: {self.messages()[-2000:]}")
            time.sleep(0.02)
        return value

    def ask(self, path, method="GET", timeout=30):
        """(status, headers, body as JSON or text)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        is_json = "json" in response.getheader("Content-Type", "")
        return response.status, response.headers, json.loads(text) if is_json and text else text

    def processes(self):
        """pid → state letter of what it started, itself not among them."""
        found = {}
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                # A zombie has no environment any more, but a parent.
                state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
                mine = int(parent) == self.process.pid or self.mark.encode() in (folder / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if mine and int(folder.name) != self.process.pid:
                found[int(folder.name)] = state
        return found

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def resident(self):
        """Bytes of memory."""
        return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{self.process.pid}/status").read_text()).group(1)) * 1024

    def terminate(self, seconds=20):
        """SIGTERM; its exit status, and how long that took."""
        start = time.monotonic()
        self.process.terminate()
        return self.process.wait(seconds), time.monotonic() - start
