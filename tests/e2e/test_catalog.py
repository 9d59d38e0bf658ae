#!/usr/bin/python3
"""The catalog's tests against real servers: PostgreSQL and MariaDB."""

import pathlib
import subprocess
import time

import harness
from servers import PASSWORD, mariadb, postgresql
from test_bridge_access import PROFILE, SAME, Bridge

UNIT_TESTS = pathlib.Path("unit_tests").resolve()  # ctest runs us beside it


class Catalog(harness.TestCase):
    def check(self, url):
        if not UNIT_TESTS.exists():
            self.missing("no unit_tests beside this test")
        environment = harness.ENVIRONMENT | {"WIRELINE_TEST_DB": url, "WIRELINE_DB_PASSWORD": PASSWORD}
        done = subprocess.run([UNIT_TESTS, "catalog: *"], env=environment, capture_output=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout.decode(errors="replace")[-6000:])
        self.assertNotIn(b"No test cases matched", done.stdout)
        wrong = subprocess.run([UNIT_TESTS, "catalog: users"], env=environment | {"WIRELINE_DB_PASSWORD": "wrong"},
                               capture_output=True, timeout=60)
        self.assertNotEqual(wrong.returncode, 0)

    def check_outage(self, url, halt, start):
        """A bridge whose catalog is away says so, and goes on when it is back."""
        if not (harness.BIN / "wsbridge").exists():
            self.missing("no wsbridge")
        bridge = Bridge(self, PROFILE, "--db", url, env={"WIRELINE_DB_PASSWORD": PASSWORD})
        self.assertNotIn("secret", bridge.messages())
        token = bridge.token("signup")
        halt()
        deadline = time.monotonic() + 10
        while (status := bridge.ask("GET", "/api/me", token=token)[0]) == 200 and time.monotonic() < deadline:
            time.sleep(0.1)
        self.assertEqual(status, 503)
        self.assertEqual(bridge.post("/api/auth/login", SAME)[0], 503)
        start()
        self.assertEqual(bridge.ask("GET", "/api/me", token=token)[0], 200)
        bridge.token("login")

    def test_postgresql(self):
        url, halt, start = postgresql(self)
        self.check(url)
        self.check_outage(url, halt, start)

    def test_mariadb(self):
        self.check(mariadb(self))


if __name__ == "__main__":
    harness.main()
