#!/usr/bin/python3
"""A migration of the catalog on a server, killed at what it asks of it, from each version: the next run finishes it, and what
was there stays. (test_store_kill.py does the same to SQLite.)

A few calls of each version are tried, all of them with WIRELINE_LONG=1.
"""

import os
import re
import shutil
import subprocess

import harness
import servers
import stores

LONG = os.environ.get("WIRELINE_LONG") == "1"
POINTS = 3  # of each version in the short form


class Migration(stores.StoreCase):
    def setUp(self):
        self.need_kill_at()
        self.folder = self.temp_dir()
        self.prepared = 0

    def open(self, **variables):
        """Opens the catalog: that brings it to the newest version."""
        env = {"LD_PRELOAD": str(stores.KILL_AT)} | {name: str(value) for name, value in variables.items()} if variables else {}
        return self.ingest("project", "list", "--db", self.url, store=self.folder / str(self.prepared),
                           env=env | {"WIRELINE_DB_PASSWORD": servers.PASSWORD})

    def ask(self, statement):
        """The lines that the server's own client shows; ValueError: it has none."""
        user, host, port, database = re.fullmatch(r"\w+://(\w+)@([\d.]+):(\d+)/(\w+)", self.url).groups()
        if self.url.startswith("mysql"):
            argv = ["mariadb", "--no-defaults", "-h", host, "-P", port, "-u", user, "-N", "-B", "-e", statement, database]
        else:
            argv = ["psql", "-X", "-q", "-t", "-A", "-h", host, "-p", port, "-U", user, "-c", statement, database]
        if not shutil.which(argv[0]):
            self.missing(f"no {argv[0]}")
        done = subprocess.run(argv, env=harness.ENVIRONMENT | {"MYSQL_PWD": servers.PASSWORD, "PGPASSWORD": servers.PASSWORD},
                              capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise ValueError(done.stderr)
        return done.stdout.split("\n")[:-1]

    def prepare(self, version):
        """Of a whole catalog one of that version, with a user if it knows users, and for a new store."""
        self.prepared += 1
        self.ask("delete from stores")
        for number, made in reversed(list(enumerate(stores.CATALOG_STEPS, 1))):
            if number <= version:
                break
            kind, name, table = made
            if kind == "table":
                self.ask(f"drop table if exists {name}")
            elif self.url.startswith("postgresql"):
                self.ask(f"drop index if exists {name}")
            else:
                try:
                    self.ask(f"drop index if exists {name} on {table}")
                except ValueError as needed:  # by a foreign key of its table: a step that was done and not noted
                    self.assertIn("foreign key", str(needed))
        self.ask(f"delete from schema_migrations where number > {version}")
        if version > 0 and not self.ask("select id from users"):
            self.ask("insert into users values ('1', 'kept@x', 'x', 1, 0)")

    def whole(self, version):
        numbers, = self.ask("select count(*), max(number) from schema_migrations")
        self.assertEqual(numbers.split(self.between), [str(len(stores.CATALOG_STEPS))] * 2)
        self.assertEqual(self.ask("select email from users"), ["kept@x"] if version > 0 else [])

    def check(self, url):
        self.url, self.between = url, "\t" if url.startswith("mysql") else "|"
        self.assert_clean(self.open())
        runs = killed = 0
        for version in range(len(stores.CATALOG_STEPS)):
            count = self.folder / f"count{version}"
            self.prepare(version)
            self.assert_clean(self.open(FAULT_COUNT=count))
            self.whole(version)
            calls = int(count.read_text())
            for at in range(1, calls + 1, 1 if LONG else max(1, calls // POINTS)):
                for sent in (0, 1):
                    with self.subTest(version=version, at=at, sent=sent):
                        self.prepare(version)
                        broken = self.open(KILL_AT=at, KILL_HALF=sent)
                        self.assertIn(broken.status, (0, -9), broken)
                        killed += broken.status == -9
                        runs += 1
                        self.assert_clean(self.open())
                        self.whole(version)
        print(f"{runs} runs, {killed} killed", flush=True)
        self.assertGreater(killed, runs * 0.8)

    def test_mariadb(self):
        self.check(servers.mariadb(self))

    def test_postgresql(self):
        self.check(servers.postgresql(self)[0])


if __name__ == "__main__":
    harness.main()
