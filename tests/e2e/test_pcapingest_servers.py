#!/usr/bin/python3
"""A store whose catalog is on a server: PostgreSQL and MariaDB."""

import concurrent.futures

import harness
import stores
from servers import PASSWORD, mariadb, postgresql

DATA = harness.ROOT / "tests" / "data"
MIXED, SEVERAL = DATA / "mixed.pcap", DATA / "several.pcapng"


class Servers(stores.StoreCase):
    def check(self, url):
        def run(verb, *args):
            return self.ingest(verb, "--db", url, *args, env={"WIRELINE_DB_PASSWORD": PASSWORD})

        def originals():
            return sorted(path.name for path in self.store.glob("captures/*/*"))

        self.assert_clean(run("project", "create", "one"))
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            results = list(pool.map(lambda path: run("add", "--project", "one", path), [MIXED, SEVERAL] * 3))
        for result in results:
            self.assert_clean(result)
        self.assertEqual(sum(not result.records[0]["already_present"] for result in results), 2)
        self.assertEqual(originals(), sorted(map(stores.sha256, (MIXED, SEVERAL))))
        self.assertEqual(run("project", "list").records[0]["files"], 2)
        self.assertFalse((self.store / "catalog.sqlite").exists())
        self.assert_clean(run("verify"))
        self.assert_clean(run("add", "--owner", "another", "--no-copy", MIXED))

        self.assert_fails(run("delete", "mixed.pcap", "--owner", "nobody"), "no such file", 3)
        self.assert_clean(run("delete", "mixed.pcap", "--owner", "local", "--grace", "0s"))
        self.assertEqual(len(originals()), 2)
        self.assert_clean(run("prune", "--max-store", "1k", "--grace", "0s"))
        self.assertEqual((originals(), list(self.store.glob("parts/*/*")), list(self.store.glob("incoming/*"))), ([], [], []))
        self.assertEqual(run("verify").records, [])

        self.assert_clean(run("add", MIXED))
        self.assert_fails(self.ingest("add", SEVERAL), "has captures that the catalog does not know")
        self.assertEqual(originals(), [stores.sha256(MIXED)])
        wrong = self.ingest("verify", "--db", url, env={"WIRELINE_DB_PASSWORD": "wrong"})
        self.assert_fails(wrong, r"^pcapingest: (postgresql|mysql)://wire@127.0.0.1:\d+/\w+: .")
        self.assertNotIn(b"secret", wrong.err)

    def test_postgresql(self):
        self.check(postgresql(self)[0])

    def test_mariadb(self):
        self.check(mariadb(self))


if __name__ == "__main__":
    harness.main()
