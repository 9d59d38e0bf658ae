"""A capture store on disk, as the tests look at it: without the programs that they test."""

import hashlib
import os
import pathlib
import sqlite3

import harness


KILL_AT = pathlib.Path("kill_at.so").resolve()  # ctest runs tests beside it
# What each migration of the catalog makes: kind, name, and the table of an index.
CATALOG_STEPS = [
    ("table", "users", ""), ("table", "tokens", ""), ("index", "tokens_user", "tokens"), ("index", "tokens_expires", "tokens"),
    ("table", "invitations", ""), ("table", "projects", ""), ("table", "pcap_metadata", ""), ("table", "pcap_project_map", ""),
    ("index", "pcap_project_map_file", "pcap_project_map"), ("table", "holdings", ""), ("index", "holdings_file", "holdings"),
    ("table", "stores", ""), ("table", "watched_files", ""),
]


def base_dir():
    """Where many small stores are made: memory, if there is some."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else None


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Row(dict):
    """A row of the catalog."""

    __getattr__ = dict.__getitem__


def select(store, query):
    """Rows of the store's catalog; none where that, or its table, is not there yet."""
    catalog = pathlib.Path(store) / "catalog.sqlite"
    if not catalog.exists():
        return []
    connection = sqlite3.connect(f"file:{catalog}?mode=rw", uri=True, timeout=60)
    try:
        found = connection.execute(query)
        names = [column[0] for column in found.description]
        return [Row(zip(names, row)) for row in found]
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return []
        raise
    finally:
        connection.close()


def execute(store, statement):
    """Changes the store's catalog."""
    connection = sqlite3.connect(pathlib.Path(store) / "catalog.sqlite", timeout=60)
    with connection:
        connection.execute(statement)
    connection.close()


def visible(store):
    """Who has which file, under which name."""
    return {(row.owner, row.name, row.file_id) for row in select(store, "select * from holdings")}


def parts_folder(store, row):
    return pathlib.Path(store) / "parts" / row.file_id[:2] / f"file_id={row.file_id}" / row.ingest


def original(store, row):
    return pathlib.Path(row.reference or pathlib.Path(store) / "captures" / row.sha256[:2] / row.sha256)


def files_of(store, row):
    """The original and all parts of a file of the catalog."""
    folder = parts_folder(store, row)
    names = [line.split()[1] for line in (folder / "parts.sha256").read_text().splitlines()]
    return [original(store, row), folder / "parts.sha256", *(folder / name for name in names)]


def faults(store):
    """What of that which the catalog names is not there, or is not as it was written."""
    found = []
    for row in select(store, "select * from pcap_metadata"):
        try:
            sums = dict(reversed(line.split()) for line in (parts_folder(store, row) / "parts.sha256").read_text().splitlines())
            if {name.split("-")[0] for name in sums} != {"packets", "kinds", "flows", "events", "timeline", "interfaces"}:
                found.append(f"{row.sha256}: parts: {sorted(sums)}")
            found += [f"{name}: other bytes" for name, sum in sums.items() if sha256(parts_folder(store, row) / name) != sum]
            if sha256(original(store, row)) != row.sha256:
                found.append(f"{row.sha256}: other bytes")
        except OSError as error:
            found.append(str(error))
    return found


def orphans(store):
    """Files and directories of the store that no file of the catalog needs."""
    store = pathlib.Path(store)
    known = {store / name for name in ("lock", "id", "catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm")}
    for row in select(store, "select * from pcap_metadata"):
        known |= {path for path in files_of(store, row) if store in path.parents}
    left = {path for path in store.rglob("*") if not path.is_dir()} - known
    left |= {path for path in (store / "incoming").glob("*")} | {path for path in store.glob("parts/*/*/*") if not any(path.iterdir())}
    return sorted(map(str, left))


class StoreCase(harness.TestCase):
    def setUp(self):
        self.folder = self.temp_dir()
        self.store = self.folder / "store"

    def need_kill_at(self):
        if not KILL_AT.exists():
            self.missing("no kill_at.so beside this test")
        if harness.sanitized():
            self.skipTest("sanitizers take the calls that kill_at.so counts")

    def ingest(self, verb, *args, store=None, **options):
        """pcapingest on this test's store."""
        return self.run_tool("pcapingest", verb, "--store", store or self.store, *args, **options)

    def add(self, *args, **options):
        """The `file` records of an add that goes well."""
        result = self.ingest("add", *args, **options)
        self.assert_clean(result)
        return result.records

    def assert_whole(self, store=None):
        """What the catalog names is there as it was written, and nothing else is."""
        store = store or self.store
        self.assertEqual((faults(store), orphans(store)), ([], []))
