#!/usr/bin/python3
"""pcapingest watch: each capture that appears is taken once, whatever happens to the events that tell of it, or to the directory."""

import json
import pathlib
import shutil
import signal
import subprocess
import sys

import harness
import stores

DATA = harness.ROOT / "tests" / "data"
MIXED, SEVERAL, BURST = DATA / "mixed.pcap", DATA / "several.pcapng", DATA / "burst.pcap"
OPENS = "import os, sys\nprint(flush=True)\nwhile True: os.close(os.open(sys.argv[1], os.O_WRONLY))"


class Watch(stores.StoreCase):
    def setUp(self):
        super().setUp()
        self.inbox = self.folder / "in"
        self.inbox.mkdir()

    def start(self, *args):
        process = self.start_tool("pcapingest", "watch", "-q", "--store", self.store, self.inbox, *args)
        self.wait_for(lambda: self.watches(process))
        return process

    @staticmethod
    def watches(process):
        """Whether it has a folder under watch; its descriptors come and go meanwhile."""
        for path in pathlib.Path(f"/proc/{process.pid}/fdinfo").iterdir():
            try:
                if "inotify wd:" in path.read_text():
                    return True
            except FileNotFoundError:
                continue
        return False

    def stop(self, process, status=0):
        """The names of the files that it still tells."""
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
        self.assertEqual(process.wait(60), status)
        self.assertEqual([line for line in process.stderr if b"notes.txt: byte 0: text, not a capture: passed over" not in line], [])
        return [record["name"] for record in harness.Result(0, rest, b"").records if record["type"] == "file"]

    def name(self, process):
        return self.record(process)["name"]

    def record(self, process):
        return json.loads(self.read_line(process.stdout, process))

    def test_it_takes_what_is_whole(self):
        shutil.copy(MIXED, self.inbox / "before.pcap")
        process = self.start()
        self.assertEqual(self.name(process), "before.pcap")
        with (self.inbox / "slow.pcapng").open("wb") as slow:
            slow.write(SEVERAL.read_bytes()[:200])
            slow.flush()
            shutil.copy(BURST, self.folder / "burst.pcap")
            (self.folder / "burst.pcap").rename(self.inbox / "renamed.pcap")
            self.assertEqual(self.name(process), "renamed.pcap")
            slow.write(SEVERAL.read_bytes()[200:])
        self.assertEqual(self.name(process), "slow.pcapng")
        (self.inbox / ".hidden.pcap").write_bytes(MIXED.read_bytes())
        (self.inbox / "notes.txt").write_text("no capture")
        shutil.copy(DATA / "backwards.pcap", self.inbox / "last.pcap")
        self.assertIn(self.stop(process), (["last.pcap"], []))
        taken = len(stores.visible(self.store))

        process = self.start()
        if taken == 3:
            self.assertEqual(self.name(process), "last.pcap")
        (self.inbox / "mixed.pcap").write_bytes(MIXED.read_bytes()[:-3])
        self.assertEqual(self.name(process), "mixed.pcap")  # and nothing of those before
        process.send_signal(signal.SIGTERM)
        self.assertEqual((process.stdout.read(), process.wait(20)), (b"", 1))  # for that one is cut
        self.assert_whole()

    def test_still_written_at_the_start(self):
        with (self.inbox / "slow.pcap").open("wb") as slow:
            slow.write(MIXED.read_bytes()[:500])
            slow.flush()
            process = self.start()
            shutil.copy(BURST, self.inbox / "whole.pcap")
            self.assertEqual(self.name(process), "whole.pcap")  # and not the other one, which was there before
            slow.write(MIXED.read_bytes()[500:])
        self.assertEqual(self.name(process), "slow.pcap")
        self.assertEqual(self.stop(process), [])

    def test_retention(self):
        self.add(MIXED)
        self.add(SEVERAL)
        process = self.start("--max-store", "1k", "--grace", "0s")
        lines = [self.record(process) for _ in range(2)]
        self.assertEqual([(line["type"], line["reason"], line["state"]) for line in lines], [("deletion", "size", "deleted")] * 2)
        self.assertEqual(self.stop(process), [])
        self.assert_whole()

    def test_bad_folders(self):
        self.assert_fails(self.ingest("watch", self.folder / "missing"), r"missing: no such file")
        self.assert_fails(self.ingest("watch", MIXED), r"mixed.pcap: not a directory")

    def test_more_events_than_the_system_keeps(self):
        """The file whose event was lost is taken all the same."""
        process = self.start()
        process.send_signal(signal.SIGSTOP)
        room = int(pathlib.Path("/proc/sys/fs/inotify/max_queued_events").read_text())
        for number in range(room + 2):  # of two files in turn: one event again is the same event
            (self.inbox / f".{number % 2}").open("w").close()
        shutil.copy(MIXED, self.inbox / "lost.pcap")
        process.send_signal(signal.SIGCONT)
        self.assertEqual(self.name(process), "lost.pcap")
        shutil.copy(SEVERAL, self.inbox / "told.pcapng")
        self.assertEqual(self.name(process), "told.pcapng")
        self.assertEqual(self.stop(process), [])

    def test_a_file_is_opened_while_we_look_at_it(self):
        """Who opens a file to write it, just when we ask whether anybody does, sends us a signal."""
        (self.folder / "open").touch()
        for number in range(20_000):
            (self.inbox / f"{number}.pcap").hardlink_to(self.folder / "open")
        shutil.copy(MIXED, self.inbox / "last.pcap")
        writer = subprocess.Popen([sys.executable, "-c", OPENS, self.folder / "open"], stdout=subprocess.PIPE)
        self.addCleanup(self._end, writer)
        writer.stdout.readline()
        process = self.start()
        self.assertEqual(self.name(process), "last.pcap")
        self.assertEqual(self.stop(process), [])

    def goes(self, process, gone):
        """The directory goes by `gone`, which is told; when there is one of its name again, it is watched."""
        other = self.folder / "other"
        other.mkdir()
        gone()
        self.assertRegex(self.read_line(process.stderr, process), rb"^pcapingest: \S+/in: no such file or directory \(watched when it is there again\)$")
        shutil.copy(BURST, other / "there.pcap")
        other.rename(self.inbox)
        self.assertEqual(self.name(process), "there.pcap")
        self.assertRegex(self.read_line(process.stderr, process), rb"^pcapingest: \S+/in: is there again$")
        shutil.copy(SEVERAL, self.inbox / "later.pcapng")
        self.assertEqual(self.name(process), "later.pcapng")
        self.assertEqual(self.stop(process, status=1), [])
        self.assert_whole()

    def test_the_directory_is_removed(self):
        self.goes(self.start(), self.inbox.rmdir)

    def test_the_directory_is_moved(self):
        process = self.start()
        self.goes(process, lambda: self.inbox.rename(self.folder / "moved"))

    def test_another_directory_takes_its_place(self):
        second = self.folder / "second"
        second.mkdir()
        process = self.start(second)
        (self.inbox / "old").mkdir()
        (self.folder / "new").mkdir()
        shutil.copy(MIXED, self.folder / "new" / "new.pcap")
        shutil.rmtree(self.inbox)
        (self.folder / "new").rename(self.inbox)
        self.assertEqual(self.name(process), "new.pcap")
        shutil.copy(SEVERAL, second / "second.pcapng")
        self.assertEqual(self.name(process), "second.pcapng")


if __name__ == "__main__":
    harness.main()
