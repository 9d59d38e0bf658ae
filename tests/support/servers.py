"""Database servers for the tests: PostgreSQL and MariaDB, started on free loopback ports."""

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

PASSWORD = "it's a \\ secret"


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
        # mariadbd removes what others of its kind have in the same directory of temporary tables.
        self.environment = os.environ | {"TMPDIR": str(self.folder)}
        self.port = free_port()
        self.process = None
        if os.geteuid() == 0:
            shutil.chown(self.folder, user)

    def command(self, *args):
        prefix = ["setpriv", "--reuid", self.user, "--regid", self.user, "--clear-groups"] if os.geteuid() == 0 else []
        return [*prefix, *map(str, args)]

    def run(self, *args, **options):
        subprocess.run(self.command(*args), check=True, stdout=subprocess.DEVNULL, timeout=120, cwd=self.folder,
                       env=self.environment, **options)

    def start(self, *args, ready=("true",)):
        """Returns when the port is open and the command `ready` ends with 0."""
        log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(self.command(*args), stdout=log, stderr=log, cwd=self.folder, env=self.environment)
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


def postgresql(case):
    """URL, how to halt it, how to start it again; the password is PASSWORD."""
    programs = newest("/usr/lib/postgresql/*/bin")
    if not programs or not os.path.exists(f"{programs}/initdb"):
        case.missing("no PostgreSQL")
    server = Server("postgres", signal.SIGINT)  # SIGTERM would wait for its clients
    case.addCleanup(server.stop)
    password = server.folder / "password"
    password.write_text(PASSWORD + "\n")
    password.chmod(0o644)
    server.run(f"{programs}/initdb", "-D", server.folder / "data", "-U", "wire", "--auth=scram-sha-256",
               f"--pwfile={password}", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8")

    def start():
        server.start(f"{programs}/postgres", "-D", server.folder / "data", "-p", server.port, "-h", "127.0.0.1",
                     "-k", server.folder, "-F", ready=(f"{programs}/pg_isready", "-h", "127.0.0.1", "-p", server.port))

    start()
    return f"postgresql://wire@127.0.0.1:{server.port}/postgres", server.halt, start


def mariadb(case):
    """Its URL; the password is PASSWORD."""
    if not shutil.which("mariadbd", path="/usr/sbin:/usr/bin"):
        case.missing("no MariaDB")
    server = Server("mysql")
    case.addCleanup(server.stop)
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
    return f"mysql://wire@127.0.0.1:{server.port}/wire"
