"""Live = replay: a file at its own pace, ten times as fast, and at once gives the same windows, in the same order."""

import time

import captures
import harness

BURST = harness.ROOT / "tests" / "data" / "burst.pcap"


class Pace(harness.TestCase):
    def windows(self, pace, source=BURST, window="1s"):
        """The windows, and how long they took."""
        start = time.monotonic()
        result = self.shell(f"netsniff -r {source} --replay {pace} --local 10.0.0.0/24 | netwindow --by client --window {window}")
        self.assert_clean(result)
        return result.out, time.monotonic() - start

    def test_same_windows(self):
        at_once, _ = self.windows("max")
        self.assertGreater(at_once.count(b"window_total"), 2)
        for pace, seconds in (("10x", 0.25), ("1x", 2.5)):
            out, took = self.windows(pace)
            self.assertEqual(out, at_once, pace)
            self.assertGreaterEqual(took, seconds)
            self.assertLess(took, seconds + 2)

    def test_a_pause_longer_than_a_window(self):
        """Silence in the middle closes windows by the wall clock, and never one that still has packets to come."""
        path = self.temp_dir() / "pause.pcap"
        frame = captures.ethernet(captures.ipv4("10.0.0.7", "192.0.2.80", 17, captures.udp(1000, 2000, b"x")))
        times = [0, 100, 150, 900, 1600, 1650, 1990, 2000]
        path.write_bytes(captures.pcap([captures.Packet(frame, ms * 1_000_000) for ms in times]))
        at_once, _ = self.windows("max", path, "200ms")
        for pace in ("1x", "10x"):
            self.assertEqual(self.windows(pace, path, "200ms")[0], at_once)

    def test_time_that_goes_back_does_not_wait(self):
        took = time.monotonic()
        result = self.run_tool("netsniff", "-r", BURST.parent / "backwards.pcap", "--replay", "10x", "-c", "4")
        self.assert_clean(result)
        self.assertEqual(len(result.records), 4)
        self.assertLess(time.monotonic() - took, 1)

    def test_records_come_in_time(self):
        """At 1x a record is written when its packet is due, not at the end."""
        process = self.start_tool("netsniff", "-r", BURST, "--replay", "1x", bufsize=0)
        start = time.monotonic()
        times = []
        while process.stdout.readline():
            times.append(time.monotonic() - start)
        self.assertEqual(len(times), 26)
        for number, seconds in enumerate(times):
            self.assertAlmostEqual(seconds - times[0], number * 0.1, delta=0.5)

    def test_several_captures(self):
        """The second file begins when the first has ended, at its own pace."""
        took = time.monotonic()
        result = self.run_tool("netsniff", "-r", BURST, "-r", BURST, "--replay", "10x")
        self.assert_clean(result)
        self.assertEqual(len(result.records), 52)
        self.assertLess(time.monotonic() - took, 3)


if __name__ == "__main__":
    harness.main()
