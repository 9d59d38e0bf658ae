#!/usr/bin/python3
"""The second profile, captures.json, with the real tools: captures uploaded by curl, and what is asked of them by two users
who never see each other. Each test carries the number of the behaviour that it keeps: M04 to M14, M79, M80."""

import asyncio
import hashlib
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import threading
import time
import urllib.parse
import zipfile

import websockets

import captures
import harness

PROFILE = harness.ROOT / "tools" / "wsbridge" / "profiles" / "captures.json"
BIG = 700 << 20
USERS = ("ada", "bob")


def hosts(count, at=0):
    """Packets of `count` clients that ask one server, and its answers."""
    packets = []
    for n in range(count):
        client = f"10.{at}.{n >> 8}.{n & 255}"
        ask = captures.udp(40000 + n % 1000, 53, captures.dns(n % 65536, "example.org"))
        reply = captures.udp(53, 40000 + n % 1000, captures.dns(n % 65536, "example.org", response=True))
        packets += [captures.Packet(captures.ethernet(captures.ipv4(client, "192.0.2.53", 17, ask)), n * 10**7),
                    captures.Packet(captures.ethernet(captures.ipv4("192.0.2.53", client, 17, reply), source=2, target=1),
                                    n * 10**7 + 10**6)]
    return captures.pcap(packets)


class Bridge:
    """A running `wsbridge serve captures.json` on a store of its own, and two users."""

    def __init__(self, test, profile=PROFILE):
        self.test = test
        self.folder = test.temp_dir()
        self.store = self.folder / "store"
        self.uploads = self.folder / "uploads"
        self.uploads.mkdir()
        more = self.folder / "more.json"
        more.write_text(json.dumps({"signup": "open"}))
        self.log = self.folder / "log"
        environment = {"WIRELINE_STORE": str(self.store), "TMPDIR": str(self.uploads)}
        with open(self.log, "wb") as log:
            self.process = test.start_tool("wsbridge", "serve", profile, more, "--listen", "127.0.0.1:0", stdout=log, stderr=log,
                                           env=environment)
        # Before its folder goes, what it started has to.
        test.addCleanup(self.stop)
        end = time.monotonic() + 30
        while not (found := re.search(r"listening on http://127\.0\.0\.1:(\d+)", self.log.read_text())):
            if self.process.poll() is not None or time.monotonic() > end:
                test.fail(self.log.read_text())
            time.sleep(0.02)
        self.port = int(found.group(1))
        self.tokens = {}
        for user in USERS:
            status, body = self.ask(None, "POST", "/api/auth/signup", {"email": f"{user}@example.org", "password": "right horse"})
            test.assertEqual((status, set(body)), (200, {"access_token", "token_type"}))
            self.tokens[user] = body["access_token"]

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        end = time.monotonic() + 60
        while any((self.store / "incoming").glob("*")) and time.monotonic() < end:
            time.sleep(0.1)  # imports that go on by themselves

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def curl(self, user, path, *args, timeout=300):
        """(status, body: JSON where it is) of what curl was told to do."""
        token = ["-H", f"Authorization: Bearer {self.tokens[user]}"] if user else []
        done = subprocess.run(["curl", "-sS", "-w", "\n%{http_code}", *token, *args, self.url(path)], capture_output=True,
                              timeout=timeout, env=harness.ENVIRONMENT)
        self.test.assertEqual(done.returncode, 0, done.stderr)
        body, _, status = done.stdout.decode().rpartition("\n")
        return int(status), json.loads(body) if body[:1] in ("{", "[") else body

    def ask(self, user, method, path, body=None, **options):
        data = [] if body is None else ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
        return self.curl(user, path, "-X", method, *data, **options)

    def get(self, user, path):
        status, body = self.ask(user, "GET", path)
        self.test.assertEqual(status, 200, f"{path}: {body}")
        return body

    def project(self, user, name="p"):
        status, body = self.ask(user, "POST", "/api/projects", {"name": name})
        self.test.assertEqual(status, 201, body)
        return body["id"]

    def upload(self, user, project, path, *args, field="file"):
        return self.curl(user, f"/api/projects/{project}/upload", "-F", f"{field}=@{path}", *args)

    def follows_imports(self):
        """Whether the stream behind /ws/files runs: it begins with its first listener."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        try:
            return any(b"imports" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children)
        except FileNotFoundError:  # one that ended meanwhile
            return False

    def resident(self):
        """Bytes of memory."""
        return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{self.process.pid}/status").read_text()).group(1)) * 1024

    def listen(self, user):
        return websockets.connect(f"ws://127.0.0.1:{self.port}/ws/files",
                                  extra_headers={"Authorization": f"Bearer {self.tokens[user]}"})


class Captures(harness.TestCase):
    @classmethod
    def setUpClass(cls):
        for program in ("curl",):
            if not shutil.which(program):
                cls.missing(cls(), f"no {program}")

    def setUp(self):
        self.folder = self.temp_dir()

    def file(self, content, name="a.pcap"):
        path = self.folder / name
        path.write_bytes(content)
        return path

    def uploaded(self, bridge, user, content, project=None, name="a.pcap"):
        """The file record of a capture that was uploaded."""
        status, body = bridge.upload(user, project or bridge.project(user), self.file(content, name))
        self.assertEqual(status, 201, body)
        return body

    def test_m04_m05_m06_m07_projects(self):
        bridge = Bridge(self)
        self.assertEqual(bridge.get("ada", "/api/projects"), [])
        status, made = bridge.ask("ada", "POST", "/api/projects", {"name": "net"})
        self.assertEqual((status, set(made), made["name"], made["files"]), (201, {"id", "name", "created", "files"}, "net", 0))
        self.assertRegex(made["created"], r"^20\d\d-.*Z$")
        self.assertEqual(bridge.get("ada", "/api/projects"), [made])
        self.assertEqual(bridge.get("ada", f"/api/projects/{made['id']}/files"), [])
        # Names are an owner's own; a name is text, whatever it looks like.
        self.assertEqual(bridge.ask("ada", "POST", "/api/projects", {"name": "net"})[0], 409)
        self.assertEqual(bridge.ask("bob", "POST", "/api/projects", {"name": "net"})[0], 201)
        for name in ("--owner=bob", "-h", "../x", "a'b\"c", "ñ"):
            status, other = bridge.ask("ada", "POST", "/api/projects", {"name": name})
            self.assertEqual((status, other["name"]), (201, name))
        for bad in ({}, {"name": ""}, {"name": "x" * 81}, {"name": "a\nb"}, {"name": 7}, []):
            self.assertEqual(bridge.ask("ada", "POST", "/api/projects", bad)[0], 400, bad)
        self.assertEqual(bridge.ask(None, "GET", "/api/projects")[0], 401)

        file = self.uploaded(bridge, "ada", hosts(3), made["id"])
        shown = bridge.get("ada", f"/api/projects/{made['id']}/files")
        self.assertEqual([row["file_id"] for row in shown], [file["file_id"]])
        self.assertEqual([row["files"] for row in bridge.get("ada", "/api/projects") if row["id"] == made["id"]], [1])
        # Of another's project there is nothing to see, to take, to add to.
        for method, path in (("GET", "files"), ("DELETE", "")):
            self.assertEqual(bridge.ask("bob", method, f"/api/projects/{made['id']}/{path}".rstrip("/"))[0], 404)
        self.assertEqual(bridge.upload("bob", made["id"], self.file(hosts(2)))[0], 404)
        self.assertEqual(bridge.get("bob", "/api/files"), [])

        self.assertEqual(bridge.ask("ada", "DELETE", f"/api/projects/{made['id']}"), (204, ""))
        self.assertEqual(bridge.ask("ada", "DELETE", f"/api/projects/{made['id']}")[0], 404)
        self.assertEqual(bridge.ask("ada", "GET", f"/api/projects/{made['id']}/files")[0], 404)
        self.assertEqual([row["file_id"] for row in bridge.get("ada", "/api/files")], [file["file_id"]])

    def test_m08_upload(self):
        bridge = Bridge(self)
        project, content = bridge.project("ada"), hosts(5)
        status, file = bridge.upload("ada", project, self.file(content))
        digest = hashlib.sha256(content).hexdigest()
        self.assertEqual((status, file["type"], file["file_id"], file["sha256"], file["name"], file["bytes"], file["packets"],
                          file["truncated"], file["already_present"]),
                         (201, "file", digest[:32], digest, "a.pcap", len(content), 10, False, False))
        # As the body itself, too; the same bytes are the same file.
        raw = f"/api/projects/{project}/upload?name=raw.pcap"
        status, again = bridge.curl("ada", raw, "-H", "Content-Type: application/octet-stream", "--data-binary", f"@{self.folder}/a.pcap")
        self.assertEqual((status, again["file_id"], again["already_present"]), (201, digest[:32], True))
        self.assertEqual(again["name"], "raw.pcap")
        status, other = bridge.curl("ada", raw, "-H", "Content-Type: application/octet-stream", "--data-binary",
                                    f"@{self.file(hosts(6))}")
        self.assertEqual((status, other["name"]), (201, "raw.pcap"))
        status, nameless = bridge.curl("ada", raw.partition("?")[0], "-H", "Content-Type: application/octet-stream", "--data-binary",
                                       f"@{self.file(hosts(7))}")
        self.assertEqual((status, nameless["name"]), (201, "upload.pcap"))
        # What was uploaded before by another is news to this one.
        status, hers = bridge.upload("bob", bridge.project("bob"), self.file(content))
        self.assertEqual((status, hers["file_id"], hers["already_present"]), (201, digest[:32], False))
        self.assertEqual(len(list((bridge.store / "captures").glob("*/*"))), 3)
        self.assertEqual(list(bridge.uploads.iterdir()), [])

    def test_m08_what_is_no_capture_or_damaged(self):
        bridge = Bridge(self)
        project = bridge.project("ada")
        archive = self.folder / "a.zip"
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("a.txt", "x" * 1000)
        for path in (self.file(b"no capture\n", "a.txt"), self.file(b"", "empty"), archive):
            status, problem = bridge.upload("ada", project, path)
            self.assertEqual((status, problem["status"]), (422, 422), problem)
            self.assertNotIn("/proc", problem["detail"])
        self.assertEqual(bridge.get("ada", "/api/files"), [])
        # Cut in a packet: what is before is kept.
        status, file = bridge.upload("ada", project, self.file(hosts(50)[:-30], "cut.pcap"))
        self.assertEqual((status, file["truncated"], file["packets"]), (201, True, 99))
        self.assertEqual(bridge.get("ada", f"/api/packets/{file['file_id']}?limit=5")["total"], 99)
        damaged = bytearray(hosts(50))
        damaged[24 + 40 * 100:24 + 40 * 100 + 64] = b"\xff" * 64
        status, file = bridge.upload("ada", project, self.file(damaged, "damaged.pcap"))
        self.assertEqual((status, file["truncated"]), (201, True))
        # No form, no file, no project.
        self.assertEqual(bridge.upload("ada", project, self.file(hosts(1)), field="other")[0], 400)
        self.assertEqual(bridge.upload("ada", "0" * 32, self.file(hosts(1)))[0], 404)

    def test_m08_names_are_names(self):
        bridge = Bridge(self)
        project = bridge.project("ada")
        path = self.file(hosts(1))
        before = {file for file in self.folder.rglob("*")}
        for number, (sent, kept) in enumerate((("../../etc/passwd", "passwd"), ("--owner=bob", "--owner=bob"), ("-", "-"),
                                               ("a;b 'c'.pcap", "a;b 'c'.pcap"), ("ñ.pcap", "ñ.pcap"))):
            path.write_bytes(hosts(number + 2))
            status, file = bridge.curl("ada", f"/api/projects/{project}/upload", "-F", f'file=@{path};filename="{sent}"')
            self.assertEqual((status, file["name"]), (201, kept))
        self.assertEqual({file for file in self.folder.rglob("*")}, before)
        self.assertEqual(len(bridge.get("ada", "/api/files")), 5)
        self.assertEqual(bridge.get("bob", "/api/files"), [])
        status, _ = bridge.curl("ada", f"/api/projects/{project}/upload?name=a%0Ab", "-H", "Content-Type: application/octet-stream",
                                "--data-binary", f"@{path}")
        self.assertEqual(status, 400)

    def big(self):
        """A capture of 700 MB, mostly a hole, with names in it that nobody looks at."""
        path = self.folder / "big.pcap"
        body = captures.ethernet(captures.ipv4("10.0.0.1", "10.0.0.2", 17, captures.udp(1, 2, bytes(1400))))
        with open(path, "wb") as file:
            file.write(captures.pcap([]))
            block = b"".join(struct.pack("<IIII", captures.START_S + n, 0, len(body), len(body)) + body for n in range(1000))
            while file.tell() < BIG:
                file.write(block)
        self.big_packets = (path.stat().st_size - 24) // (16 + len(body))
        return path

    def test_m08_m80_700_mb(self):
        """Taken as it comes: the bridge's memory stays as it is. It is being parsed when the answer comes (202), /ws/files
        says to its owner alone how far it is, and then it is there."""
        bridge = Bridge(self)
        project, path = bridge.project("ada"), self.big()
        heard, peak, done = {user: [] for user in USERS}, [bridge.resident()], threading.Event()

        def watch():
            while not done.wait(0.05):
                peak.append(bridge.resident())

        async def listen(user, until):
            async with bridge.listen(user) as socket:
                while not until.is_set() or user == "ada":
                    try:
                        heard[user].append(json.loads(await asyncio.wait_for(socket.recv(), 1)))
                    except asyncio.TimeoutError:
                        continue
                    if heard[user][-1].get("state") in ("done", "failed"):
                        until.set()

        async def everything():
            over = asyncio.Event()
            listening = [asyncio.create_task(listen(user, over)) for user in USERS]
            await asyncio.to_thread(self.wait_for, bridge.follows_imports)
            answer = await asyncio.to_thread(bridge.upload, "ada", project, path)
            took = time.monotonic()
            await asyncio.wait_for(over.wait(), 120)
            for task in listening[:1]:
                task.cancel()
            await asyncio.wait(listening, timeout=10)
            return answer, time.monotonic() - took

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            (status, body), rest = asyncio.run(everything())
        finally:
            done.set()
            watcher.join()
        if not harness.sanitized():
            self.assertLess(max(peak) - peak[0], 32 << 20)
        said = [message for message in heard["ada"] if message["type"] == "import"]
        self.assertEqual([message for message in heard["bob"] if message["type"] == "import"], [])
        self.assertEqual(said[-1]["state"], "done", said[-1])
        self.assertEqual((said[-1]["bytes"], said[-1]["packets"]), (path.stat().st_size, self.big_packets))
        self.assertTrue(all("timestamp" in message for message in heard["ada"]))
        if status == 202:
            self.assertEqual(body, {"file_id": said[-1]["file_id"], "state": "parsing"})
            self.assertGreater(len(said), 2)
            self.assertEqual(sorted(message["bytes"] for message in said), [message["bytes"] for message in said])
        else:
            self.assertEqual(status, 201, body)  # a fast machine, where it went before the two seconds
        file = bridge.get("ada", "/api/files")[0]
        self.assertEqual((file["file_id"], file["packets"], file["truncated"]), (said[-1]["file_id"], self.big_packets, False))
        self.assertEqual([row["file_id"] for row in bridge.get("ada", f"/api/projects/{project}/files")], [file["file_id"]])
        self.assertEqual(list(bridge.uploads.iterdir()), [])
        self.assertLess(rest, 60)

    def test_m08_parsing_goes_on(self):
        """With a wait that is over at once: 202 with the id, then the file; what failed behind it is told on /ws/files."""
        profile = self.folder / "captures.json"
        profile.write_text(PROFILE.read_text().replace('"--wait=2s"', '"--wait=1ms"'))
        bridge = Bridge(self, profile)
        project, content = bridge.project("ada"), hosts(2000)
        status, body = bridge.upload("ada", project, self.file(content))
        self.assertEqual((status, body), (202, {"file_id": hashlib.sha256(content).hexdigest()[:32], "state": "parsing"}))
        end = time.monotonic() + 30
        while not bridge.get("ada", "/api/files"):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)
        self.assertEqual(bridge.get("ada", f"/api/packets/{body['file_id']}")["total"], 4000)

        async def failing():
            async with bridge.listen("ada") as socket, bridge.listen("bob") as others:
                await asyncio.to_thread(self.wait_for, bridge.follows_imports)
                answer = await asyncio.to_thread(bridge.upload, "ada", project, self.file(b"x" * (1 << 20), "bad"))
                messages = []
                while not messages or messages[-1].get("state") != "failed":
                    messages.append(json.loads(await asyncio.wait_for(socket.recv(), 20)))
                self.assertEqual(json.loads(await others.recv())["type"], "welcome")
                with self.assertRaises(asyncio.TimeoutError):
                    while json.loads(await asyncio.wait_for(others.recv(), 1))["type"] != "import":
                        pass
                return answer, messages[-1]

        (status, body), last = asyncio.run(failing())
        self.assertEqual(status, 202)
        self.assertEqual((last["file_id"], last["name"], last["state"]), (body["file_id"], "bad", "failed"))
        self.assertIn("not a capture", last["reason"])

    def test_m09_m10_files(self):
        bridge = Bridge(self)
        content = hosts(4)
        self.assertEqual(bridge.get("ada", "/api/files"), [])
        first = self.uploaded(bridge, "ada", content)
        other = self.uploaded(bridge, "ada", hosts(9), bridge.project("ada", "q"), "b.pcap")
        self.uploaded(bridge, "bob", content)
        self.assertEqual(sorted(row["name"] for row in bridge.get("ada", "/api/files")), ["a.pcap", "b.pcap"])
        self.assertEqual([row["file_id"] for row in bridge.get("bob", "/api/files")], [first["file_id"]])
        for row in bridge.get("ada", "/api/files"):
            self.assertEqual(row["type"], "file")
            self.assertNotIn("owner", row)
        # Others cannot delete it; when one deletes theirs, the other's stays.
        self.assertEqual(bridge.ask("bob", "DELETE", f"/api/files/{other['file_id']}")[0], 404)
        self.assertEqual(bridge.ask("ada", "DELETE", f"/api/files/{first['file_id']}"), (204, ""))
        self.assertEqual(bridge.ask("ada", "DELETE", f"/api/files/{first['file_id']}")[0], 404)
        self.assertEqual([row["name"] for row in bridge.get("ada", "/api/files")], ["b.pcap"])
        self.assertEqual(bridge.ask("ada", "GET", f"/api/packets/{first['file_id']}")[0], 404)
        self.assertEqual(bridge.get("bob", f"/api/packets/{first['file_id']}")["total"], 8)
        # The bytes go when nobody has it, after the time for those who read.
        originals = lambda: {path.name[:32] for path in (bridge.store / "captures").glob("*/*")}
        self.assertEqual(bridge.ask("bob", "DELETE", f"/api/files/{first['file_id']}")[0], 204)
        self.assertEqual(originals(), {first["file_id"], other["file_id"]})
        self.assert_clean(self.run_tool("pcapingest", "prune", "--grace", "0s", env={"WIRELINE_STORE": str(bridge.store)}))
        self.assertEqual(originals(), {other["file_id"]})

    def test_others_files_are_not_there(self):
        """By its id another's file answers as one that nobody has, on every route."""
        bridge = Bridge(self)
        file = self.uploaded(bridge, "ada", hosts(3))["file_id"]
        for path in ("analyze/{}", "packets/{}", "packet/{}/1", "conversations/{}", "endpoints/{}", "protocols/{}", "timeline/{}"):
            self.assertEqual(bridge.ask("ada", "GET", "/api/" + path.format(file))[0], 200, path)
            hers = bridge.ask("bob", "GET", "/api/" + path.format(file))
            nobodys = bridge.ask("bob", "GET", "/api/" + path.format("0" * 32))
            self.assertEqual((hers[0], nobodys[0]), (404, 404), path)
            self.assertEqual(hers[1]["detail"].replace(file, "0" * 32), nobodys[1]["detail"])
            self.assertEqual(bridge.ask(None, "GET", "/api/" + path.format(file))[0], 401, path)
        # A path is no file of theirs, whatever it is.
        original = next((bridge.store / "captures").glob("*/*"))
        for name in (str(original)[-32:], str(original), "../" * 10 + "xx", "--owner=" + "x" * 24):
            status, _ = bridge.ask("bob", "GET", "/api/packets/" + name.replace("/", "%2F"))
            self.assertIn(status, (400, 404), name)

    def test_m11_analyze(self):
        bridge = Bridge(self)
        file = self.uploaded(bridge, "ada", hosts(20))["file_id"]
        analysis = bridge.get("ada", f"/api/analyze/{file}")
        size = sum(struct.unpack_from("<I", hosts(20), at + 12)[0] for at in offsets(hosts(20)))
        self.assertEqual((analysis["type"], analysis["packets"], analysis["bytes"]), ("analysis", 40, size))
        self.assertAlmostEqual(analysis["duration_s"], 0.191, 3)
        for key, first in (("sources", "192.0.2.53"), ("destinations", "192.0.2.53")):
            tops = analysis[[name for name in analysis if key[:-1] in name][0]]
            self.assertIn(first, json.dumps(tops[0]))
        self.assertTrue([name for name in analysis if "timeline" in name or "traffic" in name], list(analysis))

    def test_m12_packets(self):
        bridge = Bridge(self)
        file = self.uploaded(bridge, "ada", hosts(250))["file_id"]
        path = f"/api/packets/{file}"
        page = bridge.get("ada", path)
        self.assertEqual((set(page), page["total"], len(page["packets"])), ({"packets", "total", "next"}, 500, 100))
        self.assertEqual([packet["n"] for packet in page["packets"]], list(range(1, 101)))
        self.assertEqual({packet["type"] for packet in page["packets"]}, {"packet"})
        # The same pages by `next`, by offset.
        second = bridge.get("ada", f"{path}?after={page['next']}")
        self.assertEqual(second["packets"], bridge.get("ada", f"{path}?offset=100")["packets"])
        numbers, place = [], ""
        while place is not None:
            more = bridge.get("ada", f"{path}?limit=180" + (f"&after={place}" if place else ""))
            numbers += [packet["n"] for packet in more["packets"]]
            place = more["next"]
        self.assertEqual(numbers, list(range(1, 501)))
        # Display filters, whatever is in them.
        some = bridge.get("ada", f"{path}?where=ip.src%20%3D%3D%2010.0.0.7%20%7C%7C%20ip.dst%20%3D%3D%2010.0.0.7")
        self.assertEqual(([packet["n"] for packet in some["packets"]], some["total"], some["next"]), ([15, 16], 2, None))
        self.assertEqual(bridge.get("ada", f"{path}?where=tcp")["packets"], [])
        self.assertEqual(len(bridge.get("ada", f"{path}?limit=1000")["packets"]), 500)
        for bad in ("where=ip.src%20%3D%3D%20%27%3B--", "where=nonsense.field", "limit=0", "limit=1001", "offset=-1", "after=--x",
                    "limit=x", "unknown=1"):
            status, problem = bridge.ask("ada", "GET", f"{path}?{bad}")
            self.assertEqual((status, problem["status"]), (400, 400), bad)
        self.assertEqual(bridge.get("ada", f"{path}?offset=1000")["packets"], [])
        self.assertEqual(len(bridge.get("ada", f"{path}?where=")["packets"]), 100)  # as without

    def test_m13_packet(self):
        bridge = Bridge(self)
        content = hosts(3)
        file = self.uploaded(bridge, "ada", content)["file_id"]
        detail = bridge.get("ada", f"/api/packet/{file}/2")
        self.assertEqual((set(detail), detail["packet"]["n"]), ({"packet", "layers", "hex"}, 2))
        at = list(offsets(content))[1]
        size = struct.unpack_from("<I", content, at + 8)[0]
        self.assertEqual(detail["hex"], content[at + 16:at + 16 + size].hex())
        self.assertEqual([layer["name"] for layer in detail["layers"]], ["eth", "ip", "udp", "dns"])
        for layer in detail["layers"]:
            for field in layer["fields"]:
                self.assertLessEqual({"key", "label", "value", "offset", "length"}, set(field))
                self.assertLessEqual(field["offset"] + field["length"], size)
        for number, status in ((7, 404), (0, 400), (-1, 400), ("x", 400)):
            self.assertEqual(bridge.ask("ada", "GET", f"/api/packet/{file}/{number}")[0], status, number)

    def test_m14_conversations(self):
        bridge = Bridge(self)
        file = self.uploaded(bridge, "ada", hosts(30))["file_id"]
        path = f"/api/conversations/{file}"
        rows = bridge.get("ada", path)
        self.assertEqual((len(rows), {row["type"] for row in rows}, sum(row["packets"] for row in rows)), (30, {"conversation"}, 60))
        self.assertEqual(len(bridge.get("ada", f"{path}?layer=eth")), 1)
        self.assertEqual(len(bridge.get("ada", f"{path}?layer=udp&limit=5")), 5)
        graph = bridge.get("ada", f"{path}?graph=1")
        self.assertEqual((set(graph), len(graph["nodes"]), len(graph["edges"])), ({"nodes", "edges"}, 31, 30))
        names = {node["id"] for node in graph["nodes"]}
        self.assertTrue(all({edge["source"], edge["target"]} <= names for edge in graph["edges"]))
        self.assertEqual(bridge.get("ada", f"{path}?graph=0"), rows)
        self.assertEqual(bridge.ask("ada", "GET", f"{path}?layer=x")[0], 400)

    def test_follow(self):
        """The bytes of a connection, as lines, for who has the file."""
        bridge = Bridge(self)
        talk = [captures.tcp(40000, 80, "S"), captures.tcp(40000, 80, "PA", b"GET / HTTP/1.1\r\n\r\n", sequence=1001)]
        content = captures.pcap([captures.Packet(captures.ethernet(captures.ipv4("10.0.0.1", "10.0.0.2", 6, segment)), n * 10**6)
                                 for n, segment in enumerate(talk)])
        file = self.uploaded(bridge, "ada", content)["file_id"]
        status, lines = bridge.ask("ada", "GET", f"/api/follow/{file}/2?text=1")
        records = [lines] if isinstance(lines, dict) else [json.loads(line) for line in lines.splitlines()]
        self.assertEqual((status, [(row["dir"], row["text"]) for row in records]), (200, [("out", "GET / HTTP/1.1\r\n\r\n")]))
        self.assertEqual(bridge.ask("bob", "GET", f"/api/follow/{file}/2")[0], 404)

    def test_export(self):
        """What passes a filter, byte for byte as the command line cuts it; nobody else's, and no path."""
        bridge = Bridge(self)
        file = self.uploaded(bridge, "ada", hosts(300))["file_id"]
        where, got = "dns && ip.addr == 10.0.1.0/24", self.folder / "got"
        for query, options in ((f"?where={urllib.parse.quote(where)}", ["--where", where]), ("", []), ("?where=tcp", ["--where", "tcp"]),
                               ("?format=pcap", ["--format", "pcap"])):
            with self.subTest(query):
                cut = self.run_tool("pcapquery", "export", "-w", "-", *options, "--", file, env={"WIRELINE_STORE": str(bridge.store)})
                self.assertEqual(cut.status, 0, cut)
                status, _ = bridge.curl("ada", f"/api/export/{file}{query}", "-o", got, "-D", self.folder / "head")
                self.assertEqual((status, got.read_bytes() == cut.out), (200, True))
                name = f"{file}.{'pcap' if 'format' in query else 'pcapng'}"
                self.assertIn(f'content-disposition: attachment; filename="{name}"', (self.folder / "head").read_text().lower())
        packets = self.run_tool("netsniff", "-r", got).records
        self.assertEqual(len(packets), 600)
        # What is not theirs is not there, by whatever name.
        self.assertEqual(bridge.ask(None, "GET", f"/api/export/{file}")[0], 401)
        for user, name in (("bob", file), ("bob", "0" * 32), ("ada", "0" * 32)):
            status, problem = bridge.ask(user, "GET", f"/api/export/{name}")
            self.assertEqual((status, problem["status"]), (404, 404), name)
            self.assertEqual(problem["detail"].replace(name, "ID"), "ID: there is no such capture (pcapquery files lists them)")
        original = str(next((bridge.store / "captures").glob("*/*")))
        readable = self.folder / "x"
        readable.write_bytes(hosts(1))
        there = self.folder / ("y" * (31 - len(str(self.folder))))
        self.assertEqual(len(str(there)), 32)
        there.write_bytes(hosts(1))
        for name in (original, original[-32:], "../../etc/passwd", "/etc/passwd", "../" * 10 + "etc/passwd", str(readable), str(there),
                     "-", "--owner=" + "x" * 24, "--store=" + "/" * 24):
            status, problem = bridge.ask("ada", "GET", "/api/export/" + urllib.parse.quote(name, safe=""))
            self.assertIn(status, (400, 404), name)
            self.assertNotIn("root:", str(problem))
        self.assertEqual(bridge.ask("ada", "GET", "/api/export/" + urllib.parse.quote(str(there), safe=""))[0], 404)
        for bad, said in (("where=ip.src%20%3D%3D%20%27%3B--", "column 11"), ("where=nonsense.field", "column 1"), ("format=txt", "pcapng, pcap"),
                          ("write=/tmp/x", "write"), ("owner=bob", "owner"), ("where=%01", "control")):
            status, problem = bridge.ask("ada", "GET", f"/api/export/{file}?{bad}")
            self.assertEqual((status, problem["status"]), (400, 400), bad)
            self.assertIn(said, problem["detail"])
        for value in ("--owner=bob", "-w/tmp/x", "--store=/"):
            self.assertEqual(bridge.ask("ada", "GET", f"/api/export/{file}?where={urllib.parse.quote(value)}")[0], 400, value)

    def test_m79_where_things_are(self):
        """Users, projects and files in the catalog, packets beside it: the shell sees what the web does, for an owner."""
        bridge = Bridge(self)
        file = self.uploaded(bridge, "ada", hosts(3))["file_id"]
        me = bridge.get("ada", "/api/me")["id"]
        environment = {"WIRELINE_STORE": str(bridge.store)}
        shown = self.run_tool("pcapquery", "files", "--owner", me, env=environment)
        self.assert_clean(shown)
        self.assertEqual([row["file_id"] for row in shown.records], [file])
        self.assertEqual(self.run_tool("pcapquery", "files", "--owner", bridge.get("bob", "/api/me")["id"], env=environment).records, [])

    def test_profile_is_in_order(self):
        done = self.run_tool("wsbridge", "check", PROFILE)
        self.assertEqual(done.status, 0, done)
        self.assertFalse([line for line in done.messages if "open to" in line and "/api/" in line and "/api/auth/" not in line])


def offsets(capture):
    """Where the packet records of a pcap begin."""
    at = 24
    while at < len(capture):
        yield at
        at += 16 + struct.unpack_from("<I", capture, at + 8)[0]


if __name__ == "__main__":
    harness.main()
