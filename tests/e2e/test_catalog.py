#!/usr/bin/python3
"""The catalog's tests against real servers: PostgreSQL and MariaDB, started here on free loopback ports."""

import glob
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import harness
from test_bridge_access import PROFILE, SAME, Bridge

PASSWORD = "it's a \\ secret"
UNIT_TESTS = pathlib.Path("unit_tests").resolve()  # ctest runs us beside it


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def newest(pattern):
    found = sorted(glob.glob(pattern))
    return found[-1] if found else None


class Server:
    """A database server as the user it is meant to run as, with all it has in one directory."""

    def __init__(self, user, stop_signal=signal.SIGTERM):
        self.stop_signal = stop_signal
        self.user = user if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="wireline-db-"))
        self.port = free_port()
        self.process = None
        if os.geteuid() == 0:
            shutil.chown(self.folder, user)

    def command(self, *args):
        prefix = ["setpriv", "--reuid", self.user, "--regid", self.user, "--clear-groups"] if os.geteuid() == 0 else []
        return [*prefix, *map(str, args)]

    def run(self, *args, **options):
        subprocess.run(self.command(*args), check=True, stdout=subprocess.DEVNULL, timeout=120, cwd=self.folder, **options)

    def start(self, *args, ready=("true",)):
        """Returns when the port is open and the command `ready` ends with 0."""
        log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(self.command(*args), stdout=log, stderr=log, cwd=self.folder)
        log.close()
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                subprocess.run([*map(str, ready)], check=True, stdout=subprocess.DEVNULL)
                return
            except (OSError, subprocess.CalledProcessError):
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self.folder / "log").read_text(errors="replace")[-2000:]) from None
                time.sleep(0.05)

    def halt(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def stop(self):
        self.halt()
        shutil.rmtree(self.folder, ignore_errors=True)


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
        programs = newest("/usr/lib/postgresql/*/bin")
        if not programs or not os.path.exists(f"{programs}/initdb"):
            self.missing("no PostgreSQL")
        server = Server("postgres", signal.SIGINT)  # SIGTERM would wait for its clients
        self.addCleanup(server.stop)
        password = server.folder / "password"
        password.write_text(PASSWORD + "\n")
        password.chmod(0o644)
        server.run(f"{programs}/initdb", "-D", server.folder / "data", "-U", "wire", "--auth=scram-sha-256",
                   f"--pwfile={password}", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")

        def start():
            server.start(f"{programs}/postgres", "-D", server.folder / "data", "-p", server.port, "-h", "127.0.0.1",
                         "-k", server.folder, "-F", ready=(f"{programs}/pg_isready", "-h", "127.0.0.1", "-p", server.port))

        start()
        url = f"postgresql://wire@127.0.0.1:{server.port}/postgres"
        self.check(url)
        self.check_outage(url, server.halt, start)

    def test_mariadb(self):
        if not shutil.which("mariadbd", path="/usr/sbin:/usr/bin"):
            self.missing("no MariaDB")
        server = Server("mysql")
        self.addCleanup(server.stop)
        data = server.folder / "data"
        server.run("mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal",
                   "--skip-test-db", stderr=subprocess.DEVNULL)
        quoted = PASSWORD.replace("\\", "\\\\").replace("'", "''")
        setup = server.folder / "setup.sql"
        # A charset that the catalog must not inherit.
        setup.write_text("create database wire character set latin1 collate latin1_swedish_ci;"
                         f"create user wire@localhost identified by '{quoted}';grant all on wire.* to wire@localhost;"
                         "grant connection admin on *.* to wire@localhost;".replace(";", ";\n"))
        setup.chmod(0o644)
        server.start("/usr/sbin/mariadbd", "--no-defaults", f"--datadir={data}", f"--port={server.port}",
                     "--bind-address=127.0.0.1", f"--socket={server.folder}/socket", f"--init-file={setup}",
                     f"--pid-file={server.folder}/pid", "--innodb-flush-log-at-trx-commit=0")
        self.check(f"mysql://wire@127.0.0.1:{server.port}/wire")


if __name__ == "__main__":
    harness.main()
