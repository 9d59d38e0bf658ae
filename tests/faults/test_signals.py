"""SIGINT, SIGTERM, SIGHUP, SIGUSR1, and what stderr looks like: text, JSON, a file that logrotate moves."""

import json
import os
import re
import signal
import subprocess
import time

import captures
import harness

DATA = harness.ROOT / "tests" / "data"
SETTLE_S = 0.3  # for handlers to stand, and for a tool to be waiting for its input


def one_packet(number):
    return captures.Packet(captures.ethernet(captures.ipv4("10.0.0.7", "192.0.2.80", 17, captures.udp(1000, 2000))), number * 10**9)


class Pipeline(harness.TestCase):
    """`netsniff -r - | netwindow` with a source that stays open."""

    def setUp(self):
        self.sniff = self.start_tool("netsniff", "-r", "-", "--local", "10.0.0.7", stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.window = self.start_tool("netwindow", "--by", "src_ip", "--window", "1s", stdin=self.sniff.stdout)
        self.sniff.stdout.close()
        self.send(captures.pcap([one_packet(n) for n in range(10)]))
        time.sleep(SETTLE_S)

    def send(self, data):
        os.write(self.sniff.stdin.fileno(), data)

    def both(self, number):
        # The reader first: were the writer to end before, the reader's input would end too, and it with it.
        self.window.send_signal(number)
        self.sniff.send_signal(number)
        time.sleep(SETTLE_S)

    def test_first_signal_loses_nothing(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                self.setUp()
                self.both(number)
                self.assertEqual((self.sniff.poll(), self.window.poll()), (None, None), "read on to the end of their input")
                self.send(captures.pcap([one_packet(n) for n in range(10, 20)])[24:])
                self.sniff.stdin.close()
                out = self.window.stdout.read()
                self.assertEqual((self.sniff.wait(10), self.window.wait(10)), (0, 0))
                totals = [json.loads(line) for line in out.splitlines() if b'"window_total"' in line]
                self.assertEqual(sum(total["packets"] + total["late_packets"] for total in totals), 20)

    def test_second_signal_ends_at_once(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                self.setUp()
                self.both(number)
                self.both(number)
                self.assertEqual((self.sniff.wait(2), self.window.wait(2)), (128 + number, 128 + number))


class Batch(harness.TestCase):
    def held_back(self, *args):
        """netsniff in the middle of a file, waiting for its reader."""
        path = self.temp_dir() / "large.pcap"
        content = captures.pcap([one_packet(1)])
        path.write_bytes(content[:24] + content[24:] * 100_000)
        process = self.start_tool("netsniff", "-r", path, *args)
        time.sleep(SETTLE_S)
        return process

    def test_a_file_dies_of_a_signal_as_usual(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process = self.held_back()
            process.send_signal(number)
            out = process.communicate(timeout=10)[0]
            self.assertEqual(process.returncode, -number)
            for line in out[: out.rfind(b"\n") + 1].splitlines():
                json.loads(line)

    def test_replay_stops_in_good_order(self):
        process = self.start_tool("netsniff", "-r", DATA / "burst.pcap", "--replay", "1x", "--meta")
        time.sleep(0.6)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=2)
        records = [json.loads(line) for line in out.splitlines()]
        self.assertEqual((process.returncode, err), (0, b""))
        self.assertEqual((records[-1]["type"], records[-1]["reason"]), ("end", "signal"))
        self.assertEqual(records[-1]["records"], sum(record["type"] == "packet" for record in records))
        self.assertIn(records[-1]["packets"], range(2, 25))

    def test_counts_on_request(self):
        process = self.start_tool("netsniff", "-r", "-", stdin=subprocess.PIPE)
        os.write(process.stdin.fileno(), captures.pcap([one_packet(n) for n in range(7)]))
        time.sleep(SETTLE_S)
        process.send_signal(signal.SIGUSR1)
        time.sleep(SETTLE_S)
        out, err = process.communicate(timeout=10)
        self.assertEqual((process.returncode, out.count(b"\n"), err), (0, 7, b"netsniff: 7 packets read\n"))

    def test_stop_while_a_named_pipe_has_no_writer(self):
        fifo = self.temp_dir() / "fifo"
        os.mkfifo(fifo)
        process = self.start_tool("netsniff", "-r", fifo)
        time.sleep(SETTLE_S)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=2)
        self.assertEqual(process.returncode, -signal.SIGINT)


class Logs(harness.TestCase):
    def test_json(self):
        result = self.run_tool("netsniff", "--log-format", "json", "-r", "/nonexistent/\"quoted\"\n", "-r", DATA / "none.pcap")
        self.assertEqual(result.status, 1)
        (line,) = (json.loads(text) for text in result.err.splitlines())
        self.assertEqual(list(line), ["ts", "level", "tool", "message"])
        self.assertEqual((line["level"], line["tool"]), ("error", "netsniff"))
        self.assertIn("no such file", line["message"])
        self.assertRegex(line["ts"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")

    def test_json_of_bytes_that_are_no_text(self):
        result = self.run_tool("netsniff", "--log-format", "json", "-r", os.fsdecode(b"/nonexistent/\xff\xfe"))
        self.assertIn("nonexistent", json.loads(result.err.decode("utf-8", "strict"))["message"])

    def test_windows_too(self):
        result = self.run_tool("netwindow", "--by", "src_ip", "--log-format", "json", stdin=b"not json\n")
        self.assertEqual(json.loads(result.err)["tool"], "netwindow")

    def test_level(self):
        quiet = self.run_tool("netsniff", "-r", DATA / "none.pcap", "-w", "/dev/null", "--log-level", "error")
        self.assert_clean(quiet)
        self.assertEqual(self.run_tool("netsniff", "-r", DATA / "none.pcap", "-w", "/dev/null").messages, ["netsniff: 0 packets read"])

    def test_one_line_each(self):
        """Control characters of a name do not reach the terminal."""
        result = self.run_tool("netsniff", "-r", "/nonexistent/\x1b[31m\r\nline")
        self.assertEqual((result.status, len(result.messages)), (1, 1))
        self.assertNotRegex(result.err, rb"[\x00-\x09\x0b-\x1f\x7f]")

    def test_file_that_is_moved(self):
        """SIGHUP opens the file anew: lines before it stand in the old one, lines after it in the new one."""
        folder = self.temp_dir()
        log, old = folder / "log", folder / "log.1"
        process = self.start_tool("netwindow", "--by", "src_ip", "--log-file", log, stdin=subprocess.PIPE)
        os.write(process.stdin.fileno(), b"first\n")
        time.sleep(SETTLE_S)
        log.rename(old)
        process.send_signal(signal.SIGHUP)
        time.sleep(SETTLE_S)
        os.write(process.stdin.fileno(), b"second\n")
        _, err = process.communicate(timeout=10)
        self.assertEqual((process.returncode, err), (1, b""))
        self.assertRegex(old.read_text(), r"^\S+Z ERROR netwindow: stdin:1: [^\n]*\n$")
        self.assertRegex(log.read_text(), r"^\S+Z ERROR netwindow: stdin:2: [^\n]*\n$")

    def test_file_is_appended_to(self):
        log = self.temp_dir() / "log"
        for _ in range(2):
            self.run_tool("netsniff", "-r", "/nonexistent", "--log-file", log)
        self.assertEqual(len(re.findall(r"ERROR netsniff: /nonexistent: no such file", log.read_text())), 2)


if __name__ == "__main__":
    harness.main()
