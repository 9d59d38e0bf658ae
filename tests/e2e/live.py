"""A live netsniff in a network namespace, and the frames that are sent to it."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import harness
import netns

BLAST = harness.BIN.parent / "bench" / "blast"
SENDER = """
import socket, sys
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
    wire.bind(("veth0", 0))
    for line in sys.stdin:
        wire.send(bytes.fromhex(line))
"""


class Reader(threading.Thread):
    """Takes lines from a stream, with the time each came."""

    def __init__(self, stream):
        super().__init__(daemon=True)
        self.stream, self.lines, self.times = stream, [], []
        self.start()

    def run(self):
        for line in self.stream:
            self.times.append(time.time_ns())
            self.lines.append(line)

    def wait_for(self, found, timeout=10):
        """The first line for which `found` holds."""
        deadline = time.monotonic() + timeout
        while True:
            for line in list(self.lines):
                if found(line):
                    return line
            if time.monotonic() > deadline:
                raise TimeoutError(f"not among {len(self.lines)} lines: {self.lines[-3:]}")
            time.sleep(0.01)

    def records(self):
        self.join(30)
        return [json.loads(line) for line in self.lines]


class LiveTest(harness.TestCase):
    """One veth pair for a class: frames go out on the left and are captured on the right."""

    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            cls.skip("needs root for network namespaces")
        cls.net = netns.Veth()
        try:
            cls.net.__enter__()
        except (OSError, subprocess.CalledProcessError) as problem:
            cls.skip(f"no network namespaces here: {problem}")
        cls.addClassCleanup(cls.net.__exit__)

    @staticmethod
    def skip(reason):
        raise harness.unittest.SkipTest(reason)

    def sniff(self, *args, side="right", **options):
        """Starts netsniff on `side` and returns it when it captures."""
        return self.capture([harness.BIN / "netsniff", *args], side, **options)

    def capture(self, argv, side="right", **options):
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": harness.ENVIRONMENT} | options
        process = self.net.popen(side, argv, **options)
        self.addCleanup(self._end, process)
        deadline = time.monotonic() + 10
        while not self.captures(process):
            if process.poll() is not None:
                self.fail(f"ended with status {process.returncode}: {process.stderr.read()}")
            self.assertLess(time.monotonic(), deadline, "does not begin to capture")
            time.sleep(0.02)
        time.sleep(0.2)  # bound is not yet filtered, nor its ring mapped
        return process

    @staticmethod
    def captures(process):
        """Whether the process's namespace has a packet socket that the kernel delivers to."""
        with contextlib.suppress(OSError):
            rows = pathlib.Path(f"/proc/{process.pid}/net/packet").read_text().splitlines()[1:]
            return any(row.split()[5] == "1" for row in rows)
        return False

    def blast(self, count, rate, **options):
        """Sends frames; returns how many, and how many the interface on the right counted meanwhile."""
        before = self.net.counter("right", "rx_packets")
        argv = [BLAST, "--interface", "veth0", "--count", count, "--rate", rate]
        for name, value in options.items():
            argv += [f"--{name}", value]
        sent = json.loads(self.net.run("left", argv, timeout=60).stdout)["sent"]
        counted = self.net.counter("right", "rx_packets") - before
        self.assertEqual((sent, counted), (count, count))
        return sent

    def send(self, frames):
        """Sends these very bytes."""
        text = "".join(frame.hex() + "\n" for frame in frames)
        self.net.run("left", [sys.executable, "-c", SENDER], input=text.encode())

    def interrupt(self, process):
        process.send_signal(signal.SIGINT)

    def ended(self, process, status=0, timeout=30):
        self.assertEqual(process.wait(timeout), status)
