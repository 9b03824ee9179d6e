"""The two servers that are compared, each with its own defaults: on SQLite, or on one PostgreSQL server, and a folder."""
import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from connection import Connection


class Server:
    def __init__(self, name, command, work, database=None):
        """command(port, folder) starts it; database is the PostgreSQL database it is on, emptied at each start."""
        self.name = name
        self._command = command
        self._work = work
        self.database = database
        self.process = None

    def start(self):
        """Seconds from the start of the program on an empty folder to the first healthy answer."""
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self.name.split()[0]}-", dir=self._work))
        if self.database:
            self.database.empty()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("MARTLET_", "MLFLOW_"))}
        kept.update(MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true", MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false")
        began = time.perf_counter()
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen([str(word) for word in self._command(port, self.folder)], cwd=self.folder, env=kept, stdout=log,
                                            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True)
        while True:
            try:
                if Connection(self.url).send(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".replace(b"x", self.url[7:].encode()))[0] == 200:
                    return time.perf_counter() - began
            except (OSError, EOFError):
                time.sleep(0.002)
            if self.process.poll() is not None or time.perf_counter() - began > 180:
                raise SystemExit(f"bench: {self.name} did not start:\n{(self.folder / 'log').read_text(errors='replace')[-2000:]}")

    def stop(self):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def _tree(self):
        children = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                children.setdefault(int(stat.read_text().rsplit(")", 1)[1].split()[1]), []).append(int(stat.parent.name))
            except OSError:
                continue
        found, todo = [], [self.process.pid]
        while todo:
            found.append(todo.pop())
            todo += children.get(found[-1], [])
        return found

    def memory(self):
        """MiB of the whole tree of processes; pages that several share count once (PSS)."""
        total = 0
        for pid in self._tree():
            try:
                for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                    if line.startswith("Pss:"):
                        total += int(line.split()[1])
            except OSError:
                continue
        return total / 1024

    def cpu(self):
        """Seconds of processor time of the whole tree, with what ended meanwhile."""
        ticks = 0
        for pid in self._tree():
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                ticks += sum(int(field) for field in fields[11:15])
            except OSError:
                continue
        return ticks / os.sysconf("SC_CLK_TCK")


class Database:
    """A database of a PostgreSQL server that postgres() has started."""

    def __init__(self, server, name):
        self.url = f"{server.rsplit('/', 1)[0]}/{name}"
        self._server = server
        self._name = name

    def empty(self):
        for statement in (f"DROP DATABASE IF EXISTS {self._name} WITH (FORCE)", f"CREATE DATABASE {self._name}"):
            psql(self._server, statement)

    def query(self, statement, given=b""):
        return psql(self.url, statement, given)


def psql(url, statement, given=b""):
    """What psql prints, a line for each row and | between values."""
    return subprocess.run(["/usr/lib/postgresql/15/bin/psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", statement, url], input=given, check=True,
                          stdout=subprocess.PIPE).stdout.decode()


@contextlib.contextmanager
def postgres():
    """The address of a PostgreSQL 15 of our own, with fsync on; None, loudly, where the package isn't installed."""
    script = Path(__file__).resolve().parents[2] / "tests" / "services" / "postgres.sh"
    if subprocess.run([script, "available"]).returncode != 0:
        print(f"\n!!!!!!!! bench/tracking: nothing measured on PostgreSQL, which isn't installed; try {script} install", flush=True)
        yield None
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Its own user must be able to enter the folder, which that of the results needn't allow.
    folder = tempfile.mkdtemp(prefix="martlet-bench-postgres-")
    surroundings = {**os.environ, "PG_DIR": folder, "PG_PORT": str(port), "PG_OWNER": str(os.getpid())}
    told = subprocess.run([script, "start"], env=surroundings, check=True, stdout=subprocess.PIPE).stdout.decode()
    try:
        yield told.split("PG_URL=", 1)[1].strip()
    finally:
        subprocess.run([script, "wipe"], env=surroundings, check=True)


def martlet(program, work, database=None):
    store = (lambda folder: database.url) if database else (lambda folder: folder / "store")
    return Server("martlet", lambda port, folder: [program, "serve", "--listen", f"127.0.0.1:{port}", "--store", store(folder)], work, database)


def real(program, work, database=None):
    store = (lambda folder: database.url.replace("postgres:", "postgresql+psycopg2:", 1)) if database else (lambda folder: f"sqlite:///{folder}/mlflow.db")
    return Server("mlflow server", lambda port, folder: [
        program, "server", "--host", "127.0.0.1", "--port", str(port), "--backend-store-uri", store(folder),
        "--artifacts-destination", folder / "artifacts"], work, database)
