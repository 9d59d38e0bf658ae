#!/usr/bin/python3
"""A kill, a full disk and a broken disk at each call that changes the store: nothing is lost, nothing is left over.

Each n-th call is tried, with an n-th part of them unless WIRELINE_LONG=1.
"""

import concurrent.futures
import errno
import os
import pathlib
import shutil
import tempfile

import captures
import harness
import stores

DATA = harness.ROOT / "tests" / "data"
OLD, NEW = DATA / "mixed.pcap", DATA / "several.pcapng"
LONG = os.environ.get("WIRELINE_LONG") == "1"


class Scenario:
    """A command on a store that was prepared: `points` are the calls at which it is disturbed."""

    def __init__(self, case, prepared, command):
        self.case, self.prepared, self.command = case, prepared, command
        store = self.copy()
        count = store.parent / "count"
        done = self.run(store, FAULT_COUNT=count)
        case.assertEqual(done.status, 0, done)
        self.calls = int(count.read_text())
        self.before, self.after = stores.visible(prepared), stores.visible(store)
        self.users = stores.select(prepared, "select * from users")
        shutil.rmtree(store.parent)

    def copy(self):
        store = pathlib.Path(tempfile.mkdtemp(dir=self.case.base)) / "store"
        if self.prepared.exists():
            shutil.copytree(self.prepared, store)
        return store

    def run(self, store, **variables):
        env = {"LD_PRELOAD": str(stores.KILL_AT)} | {name: str(value) for name, value in variables.items()} if variables else {}
        return self.case.ingest(*self.command, store=store, env=env)

    def points(self, step):
        """Some are behind the last call: their number differs from run to run by a few."""
        return range(1, self.calls + 4, 1 if LONG else step)

    def check(self, at, **variables):
        """Disturbs at one point; gives whether that came."""
        case, store = self.case, self.copy()
        where = f"{self.command} {variables}"
        broken = self.run(store, **variables)
        case.assertEqual(stores.faults(store), [], where)
        state = stores.visible(store)
        case.assertIn(state, (self.before, self.after), where)
        if "FAIL_AT" in variables:
            case.assertIn(broken.status, (0, 1), (where, broken))
            case.assertEqual(len(broken.messages), broken.status, (where, broken))
            if broken.status == 1:
                case.assertRegex(broken.messages[0], r"^pcapingest: \S*/\S+: .", where)
            else:
                case.assertEqual(state, self.after, where)
        else:
            case.assertIn(broken.status, (0, -9), (where, broken))
        again = self.run(store)
        gone = self.command[0] == "delete" and self.before != self.after and state == self.after
        case.assertEqual((again.status, len(again.messages)), (3, 1) if gone else (0, 0), (where, again))
        case.assertEqual(stores.visible(store), self.after, where)
        case.assertEqual((stores.faults(store), stores.orphans(store)), ([], []), where)
        case.assertEqual(stores.select(store, "select max(number) as version from schema_migrations"), [{"version": len(stores.CATALOG_STEPS)}], where)
        case.assertEqual(stores.select(store, "select * from users"), self.users, where)
        if at % 8 == 0 or LONG:
            verified = case.ingest("verify", store=store)
            case.assertEqual((verified.status, verified.messages), (0, []), where)
        shutil.rmtree(store.parent)
        return broken.status != 0


class Kill(stores.StoreCase):
    def setUp(self):
        self.need_kill_at()
        self.folder = self.base = pathlib.Path(tempfile.mkdtemp(prefix="wireline-", dir=stores.base_dir()))
        self.addCleanup(shutil.rmtree, self.base)
        self.one = self.prepare("one", OLD)
        self.two = self.prepare("two", OLD, NEW)

    def prepare(self, name, *paths, options=()):
        store = self.base / name
        self.assert_clean(self.ingest("add", "-q", *paths, *options, store=store))
        return store

    def version(self, version):
        """A store from before its catalog had all tables, with a user in it."""
        store = self.base / f"version_{version}"
        self.assert_clean(self.ingest("project", "list", store=store))
        stores.execute(store, "delete from stores")
        for kind, name, _ in reversed(stores.CATALOG_STEPS[version:]):
            stores.execute(store, f"drop {kind} {name}")
        stores.execute(store, f"delete from schema_migrations where number > {version}")
        if version > 0:
            stores.execute(store, "insert into users values ('1', 'a@example.com', 'x', 1, 0)")
        for name in ("id", "lock", "incoming"):
            path = store / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        return store

    def large(self):
        """A capture of more than one block of a copy."""
        path = self.base / "large.pcap"
        path.write_bytes(captures.pcap([captures.Packet(bytes(60_000))] * 40))
        return path

    def scenarios(self):
        half = self.prepare("half", OLD)
        self.assert_clean(self.ingest("add", NEW, "--owner", "another", store=half))
        reference = self.prepare("reference", NEW, options=("--no-copy",))
        large = self.large()
        grace = ("--grace", "0s")
        for prepared, command in (
            (self.base / "none", ("add", NEW)),
            (self.one, ("add", NEW)),
            (self.one, ("add", large)),
            (self.one, ("add", NEW, "--no-copy")),
            (half, ("add", NEW)),
            (reference, ("add", NEW)),
            (self.two, ("delete", NEW.name, *grace)),
            (half, ("delete", NEW.name, "--owner", "another", *grace)),
            (self.one, ("prune", "--max-age", "1us", *grace)),
            (self.two, ("prune", "--max-store", "20k", *grace)),
            (self.version(5), ("add", NEW)),
        ):
            yield Scenario(self, prepared, command)

    def migrations(self):
        for version in range(len(stores.CATALOG_STEPS)):
            yield Scenario(self, self.version(version), ("project", "list"))

    def disturb(self, name, scenarios, step, variables):
        runs = hits = 0
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            for scenario in scenarios:
                with self.subTest(command=scenario.command, prepared=scenario.prepared.name):
                    jobs = [pool.submit(scenario.check, at, **variables(at)) for at in scenario.points(step)]
                    hits += sum(job.result() for job in jobs)
                    runs += len(jobs)
        print(f"{name}: {runs} runs, {hits} disturbed", flush=True)
        self.assertGreater(hits, runs * 0.5)

    def test_kill(self):
        self.disturb("kill", self.scenarios(), 6, lambda at: {"KILL_AT": at, "KILL_HALF": at % 2})

    def test_kill_of_migrations(self):
        self.disturb("kill of migrations", self.migrations(), 6, lambda at: {"KILL_AT": at, "KILL_HALF": at % 2})

    def test_disk_full_at_migrations(self):
        self.disturb("disk full at migrations", self.migrations(), 12, lambda at: {"FAIL_AT": at, "FAIL_ON": 1, "FAIL_ERRNO": errno.ENOSPC})

    def test_disk_full(self):
        self.disturb("disk full", self.scenarios(), 12, lambda at: {"FAIL_AT": at, "FAIL_ON": 1, "FAIL_ERRNO": errno.ENOSPC})

    def test_disk_broken(self):
        self.disturb("disk broken", self.scenarios(), 12, lambda at: {"FAIL_AT": at, "FAIL_ERRNO": errno.EIO})

    def test_file_system_without_direct_writes(self):
        """A block that is refused as not aligned (EINVAL) goes through the page cache; another failure is one."""
        try:
            os.close(os.open(self.base / "direct", os.O_CREAT | os.O_WRONLY | os.O_DIRECT))
        except OSError:
            self.skipTest(f"{self.base}: no direct writes there")
        scenario = Scenario(self, self.one, ("add", self.large()))
        for at in scenario.points(1):
            broken = scenario.run(scenario.copy(), FAIL_AT=at, FAIL_ERRNO=errno.EIO)
            if broken.status == 1 and b"/original: input/output error" in broken.err:
                store = scenario.copy()
                if scenario.run(store, FAIL_AT=at, FAIL_ERRNO=errno.EINVAL).status == 0:
                    self.assertEqual((stores.faults(store), stores.visible(store)), ([], scenario.after))
                    return
        self.fail("no block was written in another way")


if __name__ == "__main__":
    harness.main()
