"""What the Python tests share: where things are, running a tool, skips that CI turns into failures.

A test file is a unittest script:

    import harness

    class Closing(harness.TestCase):
        def test_version(self):
            self.assertEqual(self.run_tool("netsniff", "--version").status, 0)

    if __name__ == "__main__":
        harness.main()
"""

import functools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("WIRELINE_BIN", ROOT / "build" / "bin")).resolve()
REQUIRE_DATA = os.environ.get("WIRELINE_REQUIRE_DATA") == "1"
ENVIRONMENT = {
    "PATH": f"{BIN}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
    "LC_ALL": "C",
    "TZ": "UTC",
    "HOME": "/nonexistent",
} | {key: value for key, value in os.environ.items() if key.endswith("SAN_OPTIONS")}
SKIPPED = 77  # ctest's SKIP_RETURN_CODE
# A process inherits its parent's peak memory at exec: so a small one stands between. Arguments: descriptor, command.
MEASURE = """
import os, resource, sys
status = os.waitstatus_to_exitcode(os.waitpid(os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ), 0)[1])
os.write(int(sys.argv[1]), b"%d %d" % (status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
"""


def data_dir():
    """The directory of the shared test data, or None."""
    path = pathlib.Path(os.environ.get("WIRELINE_DATA", ROOT.parent / "shared" / "data"))
    return path if path.is_dir() else None


@functools.cache
def sanitized():
    """True where the tools carry AddressSanitizer, which needs memory of its own."""
    return any(b"__asan_init" in (BIN / tool).read_bytes() for tool in ("netsniff", "netwindow") if (BIN / tool).exists())


class Result:
    """How a program ended: `status` (negative: the signal), `out` and `err` as bytes, `peak` its memory in bytes if measured."""

    def __init__(self, status, out, err, peak=None):
        self.status, self.out, self.err, self.peak = status, out, err, peak

    @property
    def records(self):
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def messages(self):
        return self.err.decode("utf-8", "backslashreplace").splitlines()

    def __repr__(self):
        return f"status {self.status}, {len(self.out)} bytes out, stderr: {self.err[-2000:]!r}"


class TestCase(unittest.TestCase):
    maxDiff = 4000

    def data(self):
        """The shared test data; without it the test is skipped, or fails where data is required."""
        path = data_dir()
        if path is None:
            self.missing("no test data (set WIRELINE_DATA)")
        return path

    def need_root(self):
        if os.geteuid() != 0:
            self.skipTest("needs root for network namespaces")

    def missing(self, what):
        if REQUIRE_DATA:
            self.fail(f"{what}, and WIRELINE_REQUIRE_DATA=1")
        self.skipTest(what)

    def temp_dir(self):
        path = pathlib.Path(tempfile.mkdtemp(prefix="wireline-"))
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return path

    def run_tool(self, tool, *args, stdin=b"", timeout=240, env=None, **options):
        """Runs a tool to its end with `stdin` (bytes, or a file) and returns a Result."""
        if isinstance(stdin, bytes):
            options["input"] = stdin
        else:
            options["stdin"] = stdin
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        done = subprocess.run([str(BIN / tool), *map(str, args)], timeout=timeout, env=ENVIRONMENT | (env or {}), **options)
        return Result(done.returncode, done.stdout or b"", done.stderr or b"")

    def measure_tool(self, tool, *args, stdin=subprocess.DEVNULL, timeout=60):
        """Runs a tool to its end, `stdin` a file, and returns a Result with its peak memory."""
        with tempfile.TemporaryFile() as report:
            command = [sys.executable, "-ISc", MEASURE, str(report.fileno()), str(BIN / tool), *map(str, args)]
            done = subprocess.run(command, stdin=stdin, capture_output=True, env=ENVIRONMENT, timeout=timeout,
                                  pass_fds=[report.fileno()])
            report.seek(0)
            status, kilobytes = map(int, report.read().split())
            return Result(status, done.stdout, done.stderr, kilobytes * 1024)

    def start_tool(self, tool, *args, env=None, **options):
        """Starts a tool as a Popen that is killed, at the latest, when the test ends."""
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        process = subprocess.Popen([str(BIN / tool), *map(str, args)], env=ENVIRONMENT | (env or {}), **options)
        self.addCleanup(self._end, process)
        return process

    def read_line(self, stream, process, seconds=60):
        """The next line of a running tool's output; none, and the tool's end, when that takes longer."""
        timer = threading.Timer(seconds, process.kill)
        timer.start()
        try:
            return stream.readline()
        finally:
            timer.cancel()

    @staticmethod
    def _end(process):
        if process.poll() is None:
            process.kill()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:
                    pass
        process.wait()

    def wait_for(self, condition, seconds=60):
        """What `condition()` says once it is true; the test fails when that takes longer."""
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            if time.monotonic() > deadline:
                self.fail(f"did not happen in {seconds} s")
            time.sleep(0.02)
        return value

    def shell(self, line, timeout=60, env=None, **options):
        """Runs one shell line with the tools first on PATH."""
        done = subprocess.run(["sh", "-c", line], timeout=timeout, env=ENVIRONMENT | (env or {}), capture_output=True, **options)
        return Result(done.returncode, done.stdout, done.stderr)

    def assert_fails(self, result, pattern, status=1):
        """That status, and one line on stderr that matches."""
        self.assertEqual((result.status, len(result.messages)), (status, 1), result)
        self.assertRegex(result.messages[0], pattern)

    def assert_clean(self, result):
        """Status 0 and nothing on stderr."""
        self.assertEqual((result.status, result.messages), (0, []))


def main():
    """unittest.main() whose exit status tells ctest when nothing ran but skips."""
    program = unittest.main(module="__main__", exit=False, verbosity=2)
    result = program.result
    if not result.wasSuccessful():
        sys.exit(1)
    for test, reason in result.skipped:
        print(f"SKIPPED {test.id()}: {reason}")
    skipped = sum(isinstance(test, unittest.TestCase) for test, _ in result.skipped)  # else a class, which runs no test
    sys.exit(SKIPPED if result.skipped and skipped == result.testsRun else 0)
