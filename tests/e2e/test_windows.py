"""netwindow at the end of a live pipe, and of a replayed one: what closes windows, what does not, and signals."""

import datetime
import json
import os
import select
import signal
import subprocess
import time

import harness


def rfc3339(epoch):
    return datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def packet(epoch, number=0):
    record = {"type": "packet", "ts": rfc3339(epoch), "len": 100, "src_ip": f"10.0.0.{number % 5}", "dst_ip": "192.0.2.1"}
    return json.dumps(record).encode() + b"\n"


class Windows(harness.TestCase):
    def start(self, *args):
        return self.start_tool("netwindow", *args, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def line(self, process, seconds):
        """The next line of output, or None if none comes within so many seconds."""
        if not select.select([process.stdout], [], [], seconds)[0]:
            return None
        return json.loads(process.stdout.readline())

    def send(self, process, *lines):
        process.stdin.write(b"".join(lines))
        process.stdin.flush()

    def finish(self, process):
        out, _ = process.communicate(timeout=20)
        self.assertEqual(process.returncode, 0)
        return out

    def test_in_silence_a_live_window_closes_at_its_end_and_lateness_and_never_before(self):
        for by in (("--by", "pair"), ()):
            process = self.start("--window", "1s", "--lateness", "500ms", *by)
            now = time.time()
            self.send(process, packet(now))
            record = self.line(process, 10)
            closed = time.time()
            self.assertIsNotNone(record)
            due = datetime.datetime.fromisoformat(record["until"].replace("Z", "+00:00")).timestamp() + 0.5
            self.assertGreaterEqual(closed, due)
            self.assertLess(closed, due + 2)
            self.finish(process)

    def test_in_silence_an_old_capture_waits(self):
        process = self.start("--window", "100ms", "--lateness", "0s", "--by", "pair")
        self.send(process, packet(time.time() - 3600))
        self.assertIsNone(self.line(process, 1.5))
        self.assertEqual(self.finish(process).count(b"\n"), 2)

    def test_the_same_windows_at_any_speed(self):
        start = 1_700_000_000.05
        times = [start + i * 0.004 - (0.45 if i % 50 == 37 else 0) for i in range(700)] + [start + 3.5, start + 3.6]
        lines = [packet(t, i) for i, t in enumerate(times)]
        outputs = []
        for speed in (1, 10, None):
            process = self.start("--window", "300ms", "--lateness", "100ms")
            began = time.time()
            for line, t in zip(lines, times):
                if speed is not None:
                    time.sleep(max(0, began + (t - start) / speed - time.time()))
                self.send(process, line)
            outputs.append(self.finish(process))
        self.assertEqual(outputs[0], outputs[1])
        self.assertEqual(outputs[0], outputs[2])
        totals = [json.loads(line) for line in outputs[0].splitlines() if b"window_total" in line]
        self.assertEqual(sum(t["packets"] + t["late_packets"] for t in totals), len(lines))
        self.assertGreater(sum(t["late_packets"] for t in totals), 0)

    def test_windows_of_windows_while_they_come(self):
        first = self.start("--window", "500ms", "--lateness", "100ms", "--by", "pair")
        second = self.start_tool("netwindow", "--merge", "--window", "1s", stdin=first.stdout, stderr=subprocess.DEVNULL)
        first.stdout.close()
        first.stdout = None
        sent = 0
        for i in range(30):
            self.send(first, packet(time.time(), i))
            sent += 1
            time.sleep(0.1)
        first.stdin.close()
        out, _ = second.communicate(timeout=20)
        totals = [json.loads(line) for line in out.splitlines() if b"window_total" in line]
        self.assertEqual(sum(t["packets"] for t in totals), sent)
        self.assertEqual(sum(t["late_packets"] for t in totals), 0)

    def test_the_first_interrupt_is_passed_over_and_the_second_is_not(self):
        process = self.start("--by", "pair")
        self.send(process, packet(1_700_000_000))
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        self.send(process, packet(1_700_000_001))
        out = self.finish(process)
        self.assertEqual(json.loads(out.splitlines()[-1])["packets"], 2)

        process = self.start("--by", "pair")
        self.send(process, packet(1_700_000_000))
        time.sleep(0.3)
        for _ in range(2):
            process.send_signal(signal.SIGINT)
            time.sleep(0.2)
        self.assertEqual(process.wait(timeout=5), 130)

    def test_usr1_tells_the_counts(self):
        process = self.start_tool("netwindow", "--by", "pair", stdin=subprocess.PIPE)
        self.send(process, packet(1_700_000_000), b"bad\n")
        self.assertEqual(process.stderr.readline(), b"netwindow: stdin:2: expected a JSON object\n")
        process.send_signal(signal.SIGUSR1)
        self.assertEqual(process.stderr.readline(), b"netwindow: 1 records read, 0 written, 1 lines skipped\n")
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 1)

    def test_a_reader_that_goes_away_is_no_failure(self):
        read, write = os.pipe()
        os.close(read)
        result = self.run_tool("netwindow", "--window", "1s", "--by", "pair", stdout=write,
                               stdin=b"".join(packet(1_700_000_000 + i) for i in range(100)))
        os.close(write)
        self.assertEqual((result.status, result.err), (0, b""))


if __name__ == "__main__":
    harness.main()
