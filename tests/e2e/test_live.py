"""Live capture in network namespaces: what is counted, what is lost and said to be lost, how it ends."""

import base64
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import time
import unittest

import harness
import live


def pcap_frames(data):
    """The frames of a little-endian pcap file."""
    frames, at = [], 24
    while at < len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        frames.append(data[at + 16 : at + 16 + size])
        at += 16 + size
    return frames


class Counting(live.LiveTest):
    def test_every_packet_is_a_record(self):
        process = self.sniff("-i", "veth0", "--meta")
        reader = live.Reader(process.stdout)
        sent = self.blast(20_000, 10_000)
        self.interrupt(process)
        self.ended(process)
        records = reader.records()
        packets = [record for record in records if record["type"] == "packet"]
        self.assertEqual([packet["n"] for packet in packets], list(range(1, sent + 1)))
        self.assertEqual({(p["len"], p["src_ip"], p["dst_port"]) for p in packets}, {(100, "198.18.0.1", 9)})
        end = records[-1]
        self.assertEqual((end["type"], end["packets"], end["lost"]), ("end", sent, 0))

    def test_filter(self):
        process = self.sniff("-i", "veth0", "udp", "and", "greater", "200")
        reader = live.Reader(process.stdout)
        for size in (100, 300, 100):
            self.blast(50, 2000, size=size)
        self.interrupt(process)
        self.ended(process)
        self.assertEqual([record["len"] for record in reader.records()], [300] * 50)

    def test_any_interface(self):
        process = self.sniff("-i", "any", "udp", "port", "9")
        reader = live.Reader(process.stdout)
        sent = self.blast(100, 1000)
        self.interrupt(process)
        self.ended(process)
        records = reader.records()
        self.assertEqual(len(records), sent)
        self.assertEqual({record["iface"] for record in records}, {"veth0"})

    def test_limit(self):
        process = self.sniff("-i", "veth0", "-c", "5")
        reader = live.Reader(process.stdout)
        self.blast(50, 1000)
        self.ended(process)
        self.assertEqual([record["n"] for record in reader.records()], [1, 2, 3, 4, 5])

    def test_duration(self):
        begin = time.monotonic()
        process = self.sniff("-i", "veth0", "--duration", "500ms")
        self.ended(process, timeout=10)
        self.assertGreaterEqual(time.monotonic() - begin, 0.5)

    def test_counts_on_request(self):
        process = self.sniff("-i", "veth0", stdout=subprocess.DEVNULL)
        messages = live.Reader(process.stderr)
        sent = self.blast(300, 3000)
        time.sleep(0.3)
        process.send_signal(signal.SIGUSR1)
        line = messages.wait_for(lambda text: b"captured" in text)
        self.assertRegex(line.decode(), rf"^netsniff: {sent} packets captured, 0 dropped by the kernel")
        self.assertIsNone(process.poll())

    def test_records_come_while_they_happen(self):
        process = self.sniff("-i", "veth0", "--payload")
        reader = live.Reader(process.stdout)
        sent = self.blast(20, 10)
        time.sleep(1)
        self.interrupt(process)
        self.ended(process)
        delays = []
        for line, came in zip(reader.records(), reader.times):
            magic, _, stamped = struct.unpack_from(">8sQQ", base64.b64decode(line["payload"]))
            self.assertEqual(magic, b"WLBLAST1")
            delays.append((came - stamped) / 1e9)
        self.assertEqual(len(delays), sent)
        self.assertLess(max(delays), 0.5)


class SlowReader(live.LiveTest):
    """Nobody reads what netsniff writes until all has been sent."""

    def stall(self, *options):
        """The packets sent while nobody read, and the records that came after all."""
        process = self.sniff("-i", "veth0", "--meta", *options)
        sent = self.blast(150_000, 75_000)
        reader = live.Reader(process.stdout)
        self.interrupt(process)
        self.ended(process)
        records = reader.records()
        end = records[-1]
        self.assertEqual(end["type"], "end")
        self.assertEqual(sum(record["type"] == "packet" for record in records), end["packets"])
        return sent, end

    def test_kernel_drops_are_counted(self):
        sent, end = self.stall("-B", "1M")
        self.assertGreater(end["kernel_dropped"], 0)
        self.assertEqual(end["packets"] + end["kernel_dropped"], sent)
        self.assertEqual(end["lost"], end["kernel_dropped"])

    def test_own_drops_are_counted(self):
        sent, end = self.stall("--on-slow", "drop")
        self.assertGreater(end["reader_dropped"], 0)
        self.assertEqual(end["packets"] + end["reader_dropped"] + end["kernel_dropped"], sent)
        self.assertEqual(end["lost"], end["reader_dropped"] + end["kernel_dropped"])

    def test_second_signal_ends_at_once(self):
        process = self.sniff("-i", "veth0")
        self.blast(20_000, 50_000)
        time.sleep(0.3)
        self.interrupt(process)
        time.sleep(0.3)
        self.assertIsNone(process.poll(), "the first signal must not lose what is waiting for the reader")
        self.interrupt(process)
        self.assertNotEqual(process.wait(5), 0)


class RawCapture(live.LiveTest):
    def frames(self):
        chance = random.Random(7)
        head = bytes.fromhex("0200000000b20200000000b188b5")  # to nobody, EtherType for local experiments
        return [head + chance.randbytes(chance.randrange(46, 1501)) for _ in range(300)]

    def test_the_same_bytes_come_back(self):
        path = self.temp_dir() / "live.pcap"
        frames = self.frames()
        process = self.sniff("-i", "veth0", "-w", path)
        self.send(frames)
        self.interrupt(process)
        self.ended(process)
        self.assertEqual(process.stdout.read(), b"")
        self.assertEqual(pcap_frames(path.read_bytes()), frames)

    def test_pcapng_reads_back(self):
        path = self.temp_dir() / "live.pcapng"
        process = self.sniff("-i", "veth0", "-w", path, "-c", "300")
        self.send(self.frames())
        self.ended(process)
        back = self.run_tool("netsniff", "-r", path, "-w", "-", "--format", "pcap")
        self.assertEqual((back.status, pcap_frames(back.out)), (0, self.frames()))


class Pipeline(live.LiveTest):
    def test_ctrl_c_loses_nothing(self):
        """SIGINT to the whole process group, as a terminal sends it, right after the last packet."""
        source = self.sniff("-i", "veth0", process_group=0)
        sink = subprocess.Popen(
            [harness.BIN / "netwindow", "--window", "1s", "--by", "src_ip"],
            stdin=source.stdout,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=harness.ENVIRONMENT,
            process_group=source.pid,
        )
        self.addCleanup(self._end, sink)
        source.stdout.close()
        reader = live.Reader(sink.stdout)
        sent = self.blast(30_000, 20_000)
        os.killpg(source.pid, signal.SIGINT)
        self.ended(source)
        self.ended(sink)
        totals = [record for record in reader.records() if record["type"] == "window_total"]
        self.assertEqual(sum(total["packets"] + total["late_packets"] for total in totals), sent)


class Privileges(live.LiveTest):
    NOBODY = 65534

    def test_without_them_one_line_says_what_to_do(self):
        place = self.temp_dir()
        place.chmod(0o755)
        program = shutil.copy(harness.BIN / "netsniff", place)
        drop = ["setpriv", f"--reuid={self.NOBODY}", f"--regid={self.NOBODY}", "--clear-groups", "--bounding-set=-all"]
        done = subprocess.run([*drop, program, "-i", "lo"], capture_output=True, timeout=20, env=harness.ENVIRONMENT)
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertRegex(done.stderr.decode(), r"\Anetsniff: lo: permission denied \(run as root, or: setcap [^\n]*\)\n\Z")

    def test_they_are_given_up(self):
        process = self.sniff("-i", "veth0", "--user", "nobody")
        reader = live.Reader(process.stdout)
        sent = self.blast(500, 5000)
        with open(f"/proc/{process.pid}/status") as file:
            status = file.read()
        self.interrupt(process)
        self.ended(process)
        self.assertEqual(len(reader.records()), sent)
        for line in ("Uid", "Gid"):
            self.assertEqual(set(re.search(rf"^{line}:(.*)$", status, re.M)[1].split()), {str(self.NOBODY)}, line)
        self.assertLessEqual(set(re.search(r"^Groups:(.*)$", status, re.M)[1].split()), {str(self.NOBODY)})
        self.assertEqual(int(re.search(r"^CapEff:(.*)$", status, re.M)[1], 16), 0)


if __name__ == "__main__":
    harness.main()
