#!/usr/bin/python3
"""Who may do what on a bridge: M01 to M03, tickets, disabled users, proxies, names of hosts, origins, and the verbs."""

import asyncio
import http.client
import json
import re
import time

import websockets

import harness

TICKS = "while :; do echo '{\"type\":\"tick\"}'; sleep 0.2; done"
PROFILE = {
    "streams": {"ticks": {"command": ["sh", "-c", TICKS]}},
    "routes": [
        {"path": "/api/open", "stream": "ticks", "access": "open"},
        {"path": "/api/closed", "stream": "ticks"},
        {"method": "POST", "path": "/api/whoami", "command": ["sh", "-c", "echo '{}'"], "as": "\"ran\""},
        {"method": "POST", "path": "/api/keep", "upload": {}, "command": ["echo", "{}"]},
    ],
    "sockets": {
        "/ws/closed": {"streams": [{"stream": "ticks"}]},
        "/ws/open": {"streams": [{"stream": "ticks"}], "access": "open"},
    },
    "signup": "open",
}
ADA = {"email": "Ada@Example.org", "password": "right horse"}
SAME = {"email": "ada@example.org", "password": "right horse"}


class Bridge:
    """A running `wsbridge serve` with a catalog of its own."""

    def __init__(self, test, profile, *args, env=None):
        self.test = test
        self.folder = test.temp_dir()
        self.log = self.folder / "log"
        path = self.folder / "profile.json"
        path.write_text(json.dumps(profile))
        with open(self.log, "wb") as log:
            self.process = test.start_tool("wsbridge", "serve", path, "--listen", "127.0.0.1:0", "--store", self.folder,
                                           *args, env=env, stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while not (found := re.search(r"listening on https?://127\.0\.0\.1:(\d+)", self.messages())):
            if self.process.poll() is not None or time.monotonic() > deadline:
                test.fail(self.messages())
            time.sleep(0.02)
        self.port = int(found.group(1))

    def messages(self):
        return self.log.read_text()

    def ask(self, method, path, body=None, token=None, headers=None):
        """(status, headers, body as JSON or text). `headers` may replace Host."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = dict(headers or {})
        if token:
            headers["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body)
        try:
            connection.request(method, path, data, {"Content-Type": "application/json"} | headers)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        is_json = "json" in response.getheader("Content-Type", "")
        return response.status, response.headers, json.loads(text) if is_json and text else text

    def post(self, path, body=None, **options):
        return self.ask("POST", path, body, **options)

    def token(self, name="login", credentials=ADA):
        status, _, body = self.post(f"/api/auth/{name}", credentials)
        self.test.assertEqual(status, 200, body)
        return body["access_token"]

    def verb(self, *args, **options):
        return self.test.run_tool("wsbridge", *args, "--store", self.folder, **options)

    def wait_for_ticks(self):
        deadline = time.monotonic() + 10
        while self.ask("GET", "/api/open")[0] != 200 and time.monotonic() < deadline:
            time.sleep(0.05)

    def socket(self, path, **headers):
        """The first message of a WebSocket, or the status with which it was refused."""

        async def first():
            try:
                async with websockets.connect(f"ws://127.0.0.1:{self.port}{path}", extra_headers=headers) as ws:
                    return json.loads(await asyncio.wait_for(ws.recv(), 10))
            except websockets.InvalidStatusCode as refused:
                return refused.status_code

        return asyncio.run(first())


class Access(harness.TestCase):
    def bridge(self, *args, **changes):
        return Bridge(self, PROFILE | changes, *args)

    def test_m01_signup(self):
        bridge = self.bridge()
        status, headers, body = bridge.post("/api/auth/signup", ADA)
        self.assertEqual((status, set(body), body["token_type"]), (200, {"access_token", "token_type"}, "bearer"))
        self.assertRegex(body["access_token"], r"^[A-Za-z0-9_-]{43}$")
        self.assertEqual(headers["Cache-Control"], "no-store")
        self.assertEqual(bridge.ask("GET", "/api/closed", token=body["access_token"])[0], 200)
        status, headers, problem = bridge.post("/api/auth/signup", SAME)
        self.assertEqual((status, headers["Content-Type"], problem["status"]), (409, "application/problem+json", 409))
        for bad in ({"email": "b@x", "password": "seven77"}, {"email": "b", "password": "right horse"}, {}, [], None,
                    {"email": "a\n@b", "password": "right horse"}, {"email": "b@x", "password": "x" * 1025}):
            self.assertEqual(bridge.post("/api/auth/signup", bad)[0], 422, bad)
        kept = b"".join(path.read_bytes() for path in bridge.folder.iterdir())
        self.assertIn(b"$argon2id$", kept)
        self.assertNotIn(b"right horse", kept)
        self.assertNotIn(body["access_token"].encode(), kept)

    def test_m02_login(self):
        bridge = self.bridge()
        first = bridge.token("signup")
        second = bridge.token("login", SAME)
        self.assertNotEqual(first, second)
        wrong = bridge.post("/api/auth/login", ADA | {"password": "wrong horse"})
        unknown = bridge.post("/api/auth/login", {"email": "bob@x", "password": "wrong horse"})
        self.assertEqual((wrong[0], wrong[2]), (401, unknown[2]))
        self.assertEqual(bridge.post("/api/auth/logout", token=first)[0], 204)
        self.assertEqual(bridge.ask("GET", "/api/me", token=first)[0], 401)
        self.assertEqual(bridge.ask("GET", "/api/me", token=second)[0], 200)
        statuses = [bridge.post("/api/auth/login", ADA | {"password": "wrong horse"}) for _ in range(12)]
        self.assertEqual(statuses[-1][0], 429)
        self.assertGreater(int(statuses[-1][1]["Retry-After"]), 0)

    def test_m03_me(self):
        bridge = self.bridge()
        status, _, body = bridge.ask("GET", "/api/me", token=bridge.token("signup"))
        user = bridge.verb("user", "list").records[0]
        self.assertEqual((status, body), (200, {"id": user["user_id"], "email": "ada@example.org"}))
        status, headers, _ = bridge.ask("GET", "/api/me")
        self.assertEqual((status, headers["WWW-Authenticate"]), (401, "Bearer"))

    def test_signup_closed_and_invited(self):
        self.assertEqual(self.bridge(signup="closed").post("/api/auth/signup", ADA)[0], 403)
        bridge = self.bridge(signup="invited")
        self.assertEqual(bridge.post("/api/auth/signup", ADA)[0], 403)
        bridge.verb("user", "add", "first@x", stdin=b"right horse\n")
        code = bridge.verb("setup").records[0]["link"].split("#")[1]
        self.assertEqual(bridge.post("/api/auth/signup", ADA | {"code": "x" + code})[0], 403)
        self.assertEqual(bridge.post("/api/auth/signup", ADA | {"code": code})[0], 200)
        self.assertEqual(bridge.post("/api/auth/signup", {"email": "b@x", "password": "right horse", "code": code})[0], 403)

    def test_first_user(self):
        bridge = self.bridge(signup="closed")
        deadline = time.monotonic() + 10
        while not (link := re.search(r"http://127\.0\.0\.1:\d+/setup#(\S+)\n", bridge.messages())):
            self.assertLess(time.monotonic(), deadline, bridge.messages())
            time.sleep(0.05)
        self.assertEqual(bridge.ask("GET", "/setup")[0], 200)
        self.assertEqual(bridge.post("/api/auth/setup", ADA | {"code": "guess"})[0], 403)
        again = bridge.verb("setup", "--url", "https://dash.example").records[0]
        self.assertRegex(again["link"], r"^https://dash\.example/setup#")
        status, _, body = bridge.post("/api/auth/setup", ADA | {"code": link.group(1)})
        self.assertEqual(status, 200, body)
        self.assertEqual(bridge.ask("GET", "/api/closed", token=body["access_token"])[0], 200)
        for code in (link.group(1), again["link"].split("#")[1]):
            other = {"email": "b@x", "password": "right horse", "code": code}
            self.assertEqual(bridge.post("/api/auth/setup", other)[0], 403)

    def test_tokens(self):
        bridge = self.bridge()
        token = bridge.token("signup")
        bridge.wait_for_ticks()
        self.assertEqual(bridge.ask("GET", "/api/closed")[0], 401)
        self.assertEqual(bridge.ask("GET", "/api/open")[0], 200)
        self.assertEqual(bridge.post("/api/whoami", {})[0], 401)
        for bad in (token[:-1] + ("A" if token[-1] != "A" else "B"), token + "A", "A" * 43, "x", "A" * 4000):
            self.assertEqual(bridge.ask("GET", "/api/closed", token=bad)[0], 401)
        self.assertEqual(bridge.ask("GET", f"/api/closed?ticket={token}")[0], 401)
        short = bridge.verb("token", "create", "--user", "ada@example.org", "--name", "cron", "--expires", "1s").records[0]
        self.assertEqual(bridge.ask("GET", "/api/closed", token=short["token"])[0], 200)
        deadline = time.monotonic() + 8
        while bridge.ask("GET", "/api/closed", token=short["token"])[0] == 200 and time.monotonic() < deadline:
            time.sleep(0.1)
        self.assertEqual(bridge.ask("GET", "/api/closed", token=short["token"])[0], 401)

    def test_tickets(self):
        bridge = self.bridge()
        token = bridge.token("signup")

        def ticket():
            status, _, body = bridge.post("/api/auth/ticket", token=token)
            self.assertEqual((status, body["expires_in"]), (200, 30))
            return body["ticket"]

        self.assertEqual(bridge.post("/api/auth/ticket")[0], 401)
        self.assertEqual(bridge.socket("/ws/closed"), 401)
        one = ticket()
        self.assertEqual(bridge.socket(f"/ws/closed?ticket={one}")["type"], "tick")
        self.assertEqual(bridge.socket(f"/ws/closed?ticket={one}"), 401)
        self.assertEqual(bridge.socket("/ws/closed?ticket=" + "A" * 43), 401)
        self.assertEqual(bridge.socket(f"/ws/closed?ticket={token}"), 401)
        self.assertEqual(bridge.socket("/ws/closed", Authorization=f"Bearer {token}")["type"], "tick")
        self.assertEqual(bridge.ask("GET", "/api/closed", token=ticket())[0], 401)
        late = ticket()
        self.assertEqual(bridge.post("/api/auth/logout", token=token)[0], 204)
        self.assertEqual(bridge.socket(f"/ws/closed?ticket={late}"), 401)

    def test_disabled_users(self):
        bridge = self.bridge()
        token = bridge.token("signup")
        cron = bridge.verb("token", "create", "--user", "ada@example.org", "--name", "cron").records[0]["token"]
        for one in (token, cron):
            self.assertEqual(bridge.ask("GET", "/api/me", token=one)[0], 200)
        self.assert_clean(bridge.verb("user", "disable", "ADA@example.org"))
        start = time.monotonic()
        for one in (token, cron):
            while bridge.ask("GET", "/api/me", token=one)[0] == 200 and time.monotonic() < start + 10:
                time.sleep(0.1)
        self.assertLess(time.monotonic() - start, 8)
        for one in (token, cron):
            self.assertEqual(bridge.ask("GET", "/api/me", token=one)[0], 401)
        self.assertEqual(bridge.post("/api/auth/login", ADA)[0], 401)
        self.assertTrue(bridge.verb("user", "list").records[0]["disabled"])
        self.assert_clean(bridge.verb("user", "enable", "ada@example.org"))
        self.assertEqual(bridge.post("/api/auth/login", ADA)[0], 200)

    def test_open_sockets_of_disabled_users(self):
        """They are closed with 1008 (policy) within a few seconds; others stay."""
        bridge = self.bridge()
        token = bridge.token("signup")

        async def follow():
            url = f"ws://127.0.0.1:{bridge.port}/ws"
            async with websockets.connect(f"{url}/closed", extra_headers={"Authorization": f"Bearer {token}"}) as closed, \
                    websockets.connect(f"{url}/open") as stays:
                await closed.recv()
                self.assert_clean(bridge.verb("user", "disable", "ada@example.org"))
                await asyncio.wait_for(closed.wait_closed(), 15)
                for _ in range(3):
                    await asyncio.wait_for(stays.recv(), 10)
                return closed.close_code, closed.close_reason

        self.assertEqual(asyncio.run(follow()), (1008, "the token is no longer good"))

    def test_open_answers_of_disabled_users(self):
        """A stream over plain HTTP ends too, also one that says nothing."""
        bridge = self.bridge(streams=PROFILE["streams"] | {"quiet": {"command": ["sh", "-c", "echo '{\"type\":\"tick\"}'; exec sleep 60"]}},
                             routes=[{"path": f"/streams/{name}", "stream": name, "form": "ndjson"} for name in ("ticks", "quiet")])
        token = bridge.token("signup")
        responses = []
        for name in ("ticks", "quiet"):
            connection = http.client.HTTPConnection("127.0.0.1", bridge.port, timeout=15)
            self.addCleanup(connection.close)
            connection.request("GET", f"/streams/{name}", headers={"Authorization": f"Bearer {token}"})
            responses.append(connection.getresponse())
            self.assertEqual(json.loads(responses[-1].readline())["type"], "tick")
        self.assert_clean(bridge.verb("user", "disable", "ada@example.org"))
        start = time.monotonic()
        for response in responses:
            while response.readline():
                self.assertLess(time.monotonic() - start, 12)

    def test_forwarded_headers(self):
        bridge = self.bridge()
        bridge.wait_for_ticks()
        for sign in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"):
            self.assertEqual(bridge.ask("GET", "/api/open", headers={sign: "127.0.0.1"})[0], 401, sign)
        self.assertEqual(bridge.socket("/ws/open", **{"X-Forwarded-For": "127.0.0.1"}), 401)
        behind = self.bridge(trusted_proxies=["127.0.0.1"], open_to=["192.0.2.0/24"])
        deadline = time.monotonic() + 10
        near = {"X-Forwarded-For": "192.0.2.7"}
        while (status := behind.ask("GET", "/api/open", headers=near)[0]) != 200 and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(status, 200)
        for forged in ("192.0.2.7, 198.51.100.1", "198.51.100.1", "garbage", "", "192.0.2.7,"):
            self.assertEqual(behind.ask("GET", "/api/open", headers={"X-Forwarded-For": forged})[0], 401, forged)
        self.assertEqual(behind.ask("GET", "/api/open")[0], 401)

    def test_host_rebinding(self):
        bridge = self.bridge(hosts=["dash.example"])
        bridge.wait_for_ticks()
        for good in ("127.0.0.1", f"127.0.0.1:{bridge.port}", "localhost:1", "[::1]:8000", "dash.example", "DASH.example:80"):
            self.assertEqual(bridge.ask("GET", "/api/open", headers={"Host": good})[0], 200, good)
        for bad in ("evil.example", "127.0.0.1.evil.example", f"localhost.evil.example:{bridge.port}", "2130706433"):
            self.assertEqual(bridge.ask("GET", "/api/open", headers={"Host": bad})[0], 403, bad)
            self.assertEqual(bridge.post("/api/auth/login", ADA, headers={"Host": bad})[0], 403, bad)

    def test_origins(self):
        bridge = self.bridge(origins=["http://dash.example:3000"])
        bridge.wait_for_ticks()
        own = f"http://127.0.0.1:{bridge.port}"
        for good in (own, "http://dash.example:3000"):
            status, headers, _ = bridge.ask("GET", "/api/open", headers={"Origin": good})
            self.assertEqual((status, headers["Access-Control-Allow-Origin"]), (200, good))
            self.assertEqual(bridge.socket("/ws/open", Origin=good)["type"], "tick")
            # A page may read also why its upload is refused, which is said before the bytes come.
            status, headers, _ = bridge.post("/api/keep", {}, headers={"Origin": good})
            self.assertEqual((status, headers["WWW-Authenticate"], headers["Access-Control-Allow-Origin"]), (401, "Bearer", good))
        for bad in ("http://evil.example", "null", "http://dash.example:3001", "https://dash.example:3000"):
            status, headers, _ = bridge.ask("GET", "/api/open", headers={"Origin": bad})
            self.assertEqual((status, headers["Access-Control-Allow-Origin"]), (403, None), bad)
            self.assertEqual(bridge.socket("/ws/open", Origin=bad), 403)


class Verbs(harness.TestCase):
    def setUp(self):
        self.store = self.temp_dir() / "new" / "store"

    def verb(self, *args, **options):
        return self.run_tool("wsbridge", *args, "--store", self.store, **options)

    def test_users(self):
        added = self.verb("user", "add", "Ada@X", stdin=b"right horse\n")
        self.assert_clean(added)
        self.assertEqual(list(added.records[0]), ["type", "user_id", "email", "created", "disabled"])
        self.assertEqual(added.records[0]["email"], "ada@x")
        self.assert_fails(self.verb("user", "add", "ada@x", stdin=b"right horse\n"), r"ada@x: is there already \(")
        self.assert_fails(self.verb("user", "add", "ada", stdin=b"right horse\n"), "email: not an address")
        self.assert_fails(self.verb("user", "add", "b@x", stdin=b"short\n"), "password: needs at least 8")
        self.assert_fails(self.verb("user", "add", "b@x"), "no password")
        self.assert_fails(self.verb("user", "passwd", "b@x", stdin=b"right horse\n"), "b@x: not found", 3)
        self.assert_fails(self.verb("user", "disable", "b@x"), "b@x: not found", 3)
        password = self.temp_dir() / "password"
        password.write_text("another horse\n")
        self.assert_clean(self.verb("user", "passwd", "ada@x", "--password-file", password))
        self.assertEqual(self.verb("user", "list").records, added.records)
        self.assert_fails(self.verb("user", "frobnicate"), "user frobnicate: there is no such verb", 2)
        self.assertEqual(((self.store / "catalog.sqlite").stat().st_mode & 0o777, self.store.stat().st_mode & 0o777), (0o600, 0o700))

    def test_tokens(self):
        self.verb("user", "add", "ada@x", stdin=b"right horse\n")
        made = self.verb("token", "create", "--user", "ada@x", "--name", "cron", "--expires", "90d")
        self.assert_clean(made)
        record = made.records[0]
        self.assertEqual(list(record), ["type", "token_id", "email", "name", "created", "expires", "token"])
        self.assertEqual(len(record.pop("token")), 43)
        self.assertEqual(self.verb("token", "list").records, [record])
        self.assertEqual(self.verb("token", "list", "--user", "b@x").records, [])
        self.assert_fails(self.verb("token", "create", "--user", "b@x", "--name", "cron"), "b@x: not found", 3)
        self.assert_fails(self.verb("token", "create", "--user", "ada@x"), "--name", 2)
        self.assert_clean(self.verb("token", "revoke", record["token_id"]))
        self.assert_fails(self.verb("token", "revoke", record["token_id"]), "not found", 3)
        self.assertEqual(self.verb("token", "list").out, b"")

    def test_where(self):
        secret = self.run_tool("wsbridge", "user", "list", "--db", "postgresql://me:geheim@h/d")
        self.assert_fails(secret, "WIRELINE_DB_PASSWORD", 2)
        self.assertNotIn(b"geheim", secret.err)
        self.assert_fails(self.run_tool("wsbridge", "user", "list", "--db", "oracle://h/d"), "no kind of database", 2)
        self.assert_fails(self.run_tool("wsbridge", "user", "list", "--db", "postgresql://me@127.0.0.1:1/d"), "refused")
        self.assert_fails(self.run_tool("wsbridge", "user", "list", "--db", "mysql://me@127.0.0.1:1/d"), "127.0.0.1:1")
        home = self.temp_dir()
        self.assert_clean(self.run_tool("wsbridge", "user", "list", env={"XDG_DATA_HOME": str(home)}))
        self.assertTrue((home / "wireline" / "catalog.sqlite").exists())


if __name__ == "__main__":
    harness.main()
