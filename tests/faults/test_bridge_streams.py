#!/usr/bin/python3
"""Streams whose commands die each second, are killed, write garbage or one endless line, and what stays behind: nothing."""

import asyncio
import json
import os
import signal
import subprocess
import time

import websockets

import bridge
import harness


def profile(**streams):
    return {
        "streams": {name: {"command": ["sh", "-c", text]} | options for name, (text, options) in streams.items()},
        "routes": [{"path": f"/api/{name}", "stream": name, "access": "everybody"} for name in streams],
        "sockets": {f"/ws/{name}": {"streams": [{"stream": name}], "access": "everybody"} for name in streams},
    }


class Streams(harness.TestCase):
    def last(self, served, name):
        status, _, body = served.ask(f"/api/{name}")
        return body if status == 200 else None

    def test_a_stream_that_dies_each_second(self):
        served = bridge.Bridge(self, profile(
            dies=("echo \"{\\\"pid\\\":$$}\"; echo error >&2; kill -9 $$", {}),
            often=("echo \"{\\\"pid\\\":$$}\"; echo no json; exit 1", {"every": "100ms"}),
            lives=("while :; do echo '{\"type\":\"tick\"}'; sleep 0.2; done", {})))
        served.wait(lambda: all(self.last(served, name) for name in ("dies", "often", "lives")))
        time.sleep(1)
        descriptors, memory = served.descriptors(), served.resident()
        seen, start = set(), time.monotonic()
        while time.monotonic() - start < 8:
            seen.add(self.last(served, "often")["pid"])
            self.assertIsNotNone(self.last(served, "dies"))
            time.sleep(0.02)
        self.assertGreater(len(seen), 20)
        self.assertIn("dies: ended with status 137, starts again in ", served.messages())
        self.assertLessEqual(served.messages().count("dies: ended with status 137"), 5)  # it waits longer each time
        self.assertLess(served.messages().count("expected a JSON object"), 12)
        served.wait(lambda: served.descriptors() <= descriptors + 2)
        self.assertLess(served.resident() - memory, (100 if harness.sanitized() else 4) << 20)
        served.wait(lambda: "Z" not in served.processes().values())

    def test_a_killed_command_starts_again_and_its_last_value_stays(self):
        served = bridge.Bridge(self, profile(one=("echo \"{\\\"pid\\\":$$}\"; sleep 3600", {})))
        first = served.wait(lambda: self.last(served, "one"))
        os.kill(first["pid"], signal.SIGKILL)
        self.assertEqual(self.last(served, "one"), first)
        second = served.wait(lambda: (found := self.last(served, "one")) != first and found)
        self.assertIn(second["pid"], served.processes())
        served.wait(lambda: len(served.processes()) == 2)  # the sleep of the first went with its group

    def test_garbage_and_an_endless_line(self):
        served = bridge.Bridge(self, profile(
            one=("echo no; head -c 1000000000 /dev/zero; echo; head -c 3000 /dev/urandom; echo; echo '{\"type\":\"good\"}'",
                 {"restart": "never"})))
        memory = served.resident()
        served.wait(lambda: self.last(served, "one") == {"type": "good"}, 60)
        self.assertLess(served.resident() - memory, (400 if harness.sanitized() else 40) << 20)
        self.assertRegex(served.messages(), "one:1: expected a JSON object")
        self.assertRegex(served.messages(), "one:2: longer than 16 MiB")

    def test_standard_input_that_ends(self):
        source = subprocess.Popen(["sh", "-c", "for i in 1 2 3; do echo '{\"n\":'$i'}'; done"], stdout=subprocess.PIPE)
        self.addCleanup(source.stdout.close)
        self.addCleanup(source.wait)
        served = bridge.Bridge(self, {}, "--stream", "numbers=-", stdin=source.stdout)
        served.wait(lambda: self.last(served, "numbers") == {"n": 3})
        time.sleep(0.5)
        self.assertEqual(self.last(served, "numbers"), {"n": 3})
        self.assertEqual(served.terminate()[0], 0)

    def test_on_demand(self):
        shown = profile(one=("echo \"{\\\"pid\\\":$$}\"; exec sleep 3600", {"on_demand": True}))
        served = bridge.Bridge(self, shown)
        time.sleep(0.5)
        self.assertEqual(served.processes(), {})
        client = asyncio.run(self.first_message(served, "/ws/one"))
        self.assertIn(client["pid"], served.processes())
        served.wait(lambda: served.processes() == {}, 12)
        self.assertEqual(self.last(served, "one"), client)

    @staticmethod
    async def first_message(served, path):
        async with websockets.connect(f"ws://127.0.0.1:{served.port}{path}") as socket:
            return json.loads(await asyncio.wait_for(socket.recv(), 10))

    def test_sigterm_leaves_no_process(self):
        stubborn = "trap '' TERM; (while :; do sleep 1; done) & while :; do echo '{}'; sleep 0.2; done"
        served = bridge.Bridge(self, profile(
            stubborn=(stubborn, {}),
            second=(stubborn, {}),
            third=(stubborn, {}),
            heeds=("echo '{}'; exec sleep 3600", {}),
            dies=("echo '{}'; exit 1", {})))
        served.wait(lambda: self.last(served, "stubborn") == {} and self.last(served, "heeds") == {})
        self.assertGreaterEqual(len(served.processes()), 3)
        status, taken = served.terminate()
        self.assertEqual(status, 0, served.messages())
        self.assertLess(taken, 10)  # all at once: each of them takes 5 s
        self.assertEqual(served.processes(), {})


if __name__ == "__main__":
    harness.main()
