"""The two servers that are compared, each with its own defaults, on SQLite and a folder."""
import os
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from connection import Connection


class Server:
    def __init__(self, name, command, work):
        self.name = name
        self._command = command
        self._work = work
        self.process = None

    def start(self):
        """Seconds from the start of the program on an empty folder to the first healthy answer."""
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self.name.split()[0]}-", dir=self._work))
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


def martlet(program, work):
    return Server("martlet", lambda port, folder: [program, "serve", "--listen", f"127.0.0.1:{port}", "--store", folder / "store"], work)


def real(program, work):
    return Server("mlflow server", lambda port, folder: [
        program, "server", "--host", "127.0.0.1", "--port", str(port), "--backend-store-uri", f"sqlite:///{folder}/mlflow.db",
        "--artifacts-destination", folder / "artifacts"], work)
