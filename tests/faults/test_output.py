"""Where output cannot go, or goes slowly: full disks, readers that leave, stall or never were; kill -9."""

import json
import os
import signal
import subprocess
import time

import captures
import harness

DATA = harness.ROOT / "tests" / "data"
FULL = r"no space left on device"


def large(path, packets=60_000):
    """A capture whose records fill every pipe and buffer many times over."""
    one = captures.pcap([captures.Packet(captures.ethernet(captures.ipv4("10.0.0.7", "192.0.2.80", 17, captures.udp(1, 2, b"x"))))])
    path.write_bytes(one[:24] + one[24:] * packets)
    return path


class OutputCase(harness.TestCase):
    def start_unbuffered(self, *args, **options):
        return self.start_tool(*args, bufsize=0, **options)


class Full(harness.TestCase):
    def check(self, line, tool="netsniff"):
        result = self.shell(line, cwd=DATA)
        self.assert_fails(result, rf"^{tool}: .*{FULL}")
        self.assertEqual(result.out, b"")

    def test_records(self):
        self.check("netsniff -r mixed.pcap >/dev/full")

    def test_more_records_than_the_buffer_holds(self):
        self.check(f"netsniff -r {large(self.temp_dir() / 'large.pcap')} >/dev/full")

    def test_table(self):
        self.check("netsniff -t -r mixed.pcap >/dev/full")

    def test_windows(self):
        self.check("netsniff --local 10.0.0.7 -r mixed.pcap | netwindow --by src_ip >/dev/full", "netwindow")

    def test_documents(self):
        for option in ("--help", "--version", "--schema", "--schema=duckdb", "-D"):
            self.check(f"netsniff {option} >/dev/full")

    def test_raw(self):
        self.check("netsniff -q -r mixed.pcap -w /dev/full")
        self.check("netsniff -q -r mixed.pcap -w - >/dev/full")
        self.check(f"netsniff -q -r {large(self.temp_dir() / 'large.pcap')} -w /dev/full")

    def test_raw_on_a_small_disk(self):
        """A disk that fills while it is written: one line, and what fitted is a capture."""
        self.need_root()
        source = large(self.temp_dir() / "large.pcap")
        disk = self.temp_dir()
        line = (f"mount -t tmpfs -o size=256k none {disk} || exit 99; netsniff -q -r {source} -w {disk}/out.pcap; status=$?; "
                f"netsniff -r {disk}/out.pcap --fields n 2>/dev/null | tail -1; exit $status")
        done = subprocess.run(["unshare", "-m", "sh", "-c", line], capture_output=True, env=harness.ENVIRONMENT, timeout=60)
        result = harness.Result(done.returncode, done.stdout, done.stderr)
        if result.status == 99 or result.messages[:1] and result.messages[0].startswith("unshare:"):
            self.skipTest("cannot mount a tmpfs here")
        self.assert_fails(result, rf"^netsniff: {disk}/out.pcap: {FULL}")
        self.assertGreater(result.records[0]["n"], 1000)

    def test_file_size_limit(self):
        """ulimit -f with its signal passed over is one more full disk."""
        out = self.temp_dir() / "out.pcap"
        result = self.shell(f"trap '' XFSZ; ulimit -f 64; netsniff -q -r {large(self.temp_dir() / 'large.pcap')} -w {out}")
        self.assert_fails(result, rf"^netsniff: {out}: file too large")

    def test_what_is_read_is_not_overwritten(self):
        capture, link = self.temp_dir() / "in.pcap", self.temp_dir() / "link.pcap"
        capture.write_bytes((DATA / "mixed.pcap").read_bytes())
        link.symlink_to(capture)
        for target in (capture, link):
            self.assert_fails(self.run_tool("netsniff", "-r", capture, "-w", target), f"^netsniff: {target}: is what is read", 2)
            self.assert_fails(self.shell(f"netsniff -r - -w {target} <{capture}"), "is what is read", 2)
            self.assert_fails(self.run_tool("pcapquery", "export", capture, "-w", target), f"^pcapquery: {target}: is what is read", 2)
            self.assert_fails(self.shell(f"netsniff -q -r {capture} --fields n,at_file | pcapquery export - -w {target}"), "is what is read", 2)
        self.assertEqual(capture.read_bytes(), (DATA / "mixed.pcap").read_bytes())

    def test_no_directory(self):
        self.assert_fails(self.run_tool("netsniff", "-r", DATA / "mixed.pcap", "-w", "/nonexistent/x"),
                          "^netsniff: /nonexistent/x: no such file or directory")

    def test_log_file(self):
        result = self.run_tool("netsniff", "-r", DATA / "mixed.pcap", "--log-file", "/nonexistent/log")
        self.assert_fails(result, "^netsniff: /nonexistent/log: no such file or directory", status=2)


class Closed(OutputCase):
    """A reader that goes away is no failure and no word; a standard output that never was is one."""

    def quiet(self, line):
        result = self.shell("exec bash -c 'set -o pipefail; " + line + "'")
        self.assert_clean(result)
        return result

    def test_head(self):
        source = large(self.temp_dir() / "large.pcap")
        for options in ("", "-t", "-q -w -", "--meta", "--replay 10x"):
            result = self.quiet(f"netsniff -r {source} {options} | head -c 100")
            self.assertEqual(len(result.out), 100)

    def test_head_of_windows(self):
        source = large(self.temp_dir() / "large.pcap")
        self.quiet(f"netsniff --local 10.0.0.7 -r {source} | netwindow --by src_ip --window 1s | head -c 100")

    def test_middle_of_a_pipeline_leaves(self):
        """netwindow dies: netsniff ends, quietly."""
        source = large(self.temp_dir() / "large.pcap")
        result = self.shell(f"bash -c 'netsniff -r {source} | :; exit ${{PIPESTATUS[0]}}'")
        self.assert_clean(result)

    def test_no_standard_output(self):
        self.assert_fails(self.shell("netsniff -r mixed.pcap >&-", cwd=DATA), "^netsniff: standard output: bad file descriptor")
        self.assert_fails(self.shell("netsniff -q -r mixed.pcap -w - >&-", cwd=DATA), "bad file descriptor")
        self.assert_fails(self.shell("netsniff --local 10.0.0.7 -r mixed.pcap | netwindow --by src_ip >&-", cwd=DATA),
                          "^netwindow: standard output: bad file descriptor")

    def test_no_standard_output_that_is_not_needed(self):
        out = self.temp_dir() / "out.pcap"
        self.assert_clean(self.shell(f"netsniff -q -r mixed.pcap -w {out} >&-", cwd=DATA))
        self.assertEqual(out.read_bytes(), (DATA / "mixed.pcap").read_bytes())

    def test_no_standard_error(self):
        result = self.shell("netsniff -r mixed.pcap -r /nonexistent 2>&-", cwd=DATA)
        self.assertEqual((result.status, len(result.records), result.err), (1, 20, b""))

    def test_no_standard_input(self):
        self.assert_clean(self.shell("netwindow <&-"))
        self.assert_fails(self.shell("netsniff -r - <&-"), "^netsniff: stdin: byte 0: empty file")


class Stalled(OutputCase):
    """Whoever stops for a while loses nothing of a file."""

    PACKETS = 60_000

    def numbers(self, data):
        return [json.loads(line)["n"] for line in data.splitlines()]

    def test_reader(self):
        process = self.start_unbuffered("netsniff", "-r", large(self.temp_dir() / "large.pcap", self.PACKETS), "--fields", "n")
        first = process.stdout.read(1000)
        time.sleep(0.5)
        out, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, err), (0, b""))
        self.assertEqual(self.numbers(first + out), [*range(1, self.PACKETS + 1)])

    def test_stopped_consumer(self):
        """SIGSTOP for netwindow in a pipeline, then SIGCONT: its windows hold every packet."""
        source = large(self.temp_dir() / "large.pcap", self.PACKETS)
        sniff = self.start_unbuffered("netsniff", "-r", source, "--local", "10.0.0.7")
        window = self.start_unbuffered("netwindow", "--by", "src_ip", stdin=sniff.stdout)
        sniff.stdout.close()
        window.send_signal(signal.SIGSTOP)
        time.sleep(0.3)
        self.assertIsNone(sniff.poll(), "waits for its reader")
        window.send_signal(signal.SIGCONT)
        out, err = window.communicate(timeout=60)
        self.assertEqual((window.returncode, err, sniff.wait(10)), (0, b"", 0))
        records = [json.loads(line) for line in out.splitlines()]
        self.assertEqual(sum(r["packets"] for r in records if r["type"] == "window_total"), self.PACKETS)

    def test_stopped_tool(self):
        process = self.start_unbuffered("netsniff", "-r", large(self.temp_dir() / "large.pcap", self.PACKETS), "--fields", "n")
        first = process.stdout.read(1000)
        process.send_signal(signal.SIGSTOP)
        time.sleep(0.2)
        process.send_signal(signal.SIGCONT)
        out, _ = process.communicate(timeout=60)
        self.assertEqual(self.numbers(first + out), [*range(1, self.PACKETS + 1)])


class Killed(OutputCase):
    def test_kill_in_the_middle(self):
        """After kill -9 every whole line is a record, in order."""
        source = large(self.temp_dir() / "large.pcap")
        for wanted in (1, 70_000, 400_001):
            process = self.start_unbuffered("netsniff", "-r", source)
            first = process.stdout.read(wanted)
            process.kill()
            out = first + process.communicate(timeout=60)[0]
            self.assertEqual(process.returncode, -signal.SIGKILL)
            whole = out[: out.rfind(b"\n") + 1].splitlines()
            self.assertEqual([json.loads(line)["n"] for line in whole], [*range(1, len(whole) + 1)])
            self.assertGreater(len(whole), wanted // 400)

    def test_kill_of_a_live_pipe(self):
        """What a pipe gave before the kill stands there already: nothing waits in a buffer for long."""
        process = self.start_unbuffered("netsniff", "-r", "-", stdin=subprocess.PIPE)
        os.write(process.stdin.fileno(), (DATA / "mixed.pcap").read_bytes())
        time.sleep(0.5)
        process.kill()
        out = process.communicate(timeout=10)[0]
        self.assertEqual([json.loads(line)["n"] for line in out.splitlines()], [*range(1, 21)])

    def test_raw_file(self):
        """A raw capture that is killed can be read up to where it was written."""
        target = self.temp_dir() / "out.pcapng"
        process = self.start_unbuffered("netsniff", "-r", "-", "-w", target, stdin=subprocess.PIPE)
        os.write(process.stdin.fileno(), large(self.temp_dir() / "large.pcap", 200).read_bytes())
        time.sleep(0.5)
        process.kill()
        process.communicate(timeout=10)
        result = self.run_tool("netsniff", "-r", target, "--fields", "n")
        self.assertIn(result.status, (0, 1))
        self.assertEqual(len(result.records), 200)


class Changing(OutputCase):
    """A file that changes while it is read. The reader is held back, so that the change comes in the middle."""

    PACKETS = 200_000  # 9 MB, of which a reader that is held back has at most a few in its hands
    ONE = 16 + 43

    def start(self):
        self.path = large(self.temp_dir() / "file.pcap", self.PACKETS)
        process = self.start_unbuffered("netsniff", "-r", self.path, "--fields", "n")
        self.first = process.stdout.read(100)
        time.sleep(0.2)
        return process

    def finish(self, process):
        out, err = process.communicate(timeout=60)
        numbers = [json.loads(line)["n"] for line in (self.first + out).splitlines()]
        self.assertEqual(numbers, [*range(1, len(numbers) + 1)])
        return harness.Result(process.returncode, b"", err), len(numbers)

    def test_shrinks_to_the_middle_of_a_packet(self):
        process = self.start()
        os.truncate(self.path, 24 + self.ONE * 150_000 + 20)
        result, count = self.finish(process)
        self.assert_fails(result, rf"^netsniff: {self.path}: byte {24 + self.ONE * 150_000}: cut short in the middle of a packet")
        self.assertEqual(count, 150_000)

    def test_shrinks_to_nothing(self):
        """What was read of it before comes out; whether a packet was cut in two depends on where the reading stood."""
        process = self.start()
        os.truncate(self.path, 0)
        result, count = self.finish(process)
        self.assertIn((result.status, len(result.messages)), ((0, 0), (1, 1)))
        self.assertGreater(count, 1000)
        self.assertLess(count, self.PACKETS)

    def test_grows(self):
        process = self.start()
        record = self.path.read_bytes()[24 : 24 + self.ONE]
        with self.path.open("ab") as file:
            file.write(record * 1000)
        result, count = self.finish(process)
        self.assert_clean(result)
        self.assertEqual(count, self.PACKETS + 1000)

    def test_rotated(self):
        """Renamed, and a new one under its name: the reader stays with the file that it opened."""
        process = self.start()
        self.path.rename(self.path.with_suffix(".1"))
        self.path.write_bytes(b"another file altogether")
        result, count = self.finish(process)
        self.assert_clean(result)
        self.assertEqual(count, self.PACKETS)

    def test_removed(self):
        process = self.start()
        self.path.unlink()
        result, count = self.finish(process)
        self.assert_clean(result)
        self.assertEqual(count, self.PACKETS)


if __name__ == "__main__":
    harness.main()
