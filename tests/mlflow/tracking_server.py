"""The server under test: `martlet serve`, or (by hand) the real `mlflow server` that proves the tests right."""
import os
import signal
import socket
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MARTLET = os.environ.get("MARTLET", str(ROOT / "build" / "bin" / "martlet"))
REAL = os.environ.get("MARTLET_MLFLOW", str(ROOT / "build" / "bench" / "mlflow" / "bin" / "mlflow"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def command(kind, port, folder, place):
    if kind == "martlet":
        blobs = ["--blobs", place.blobs] if place.blobs else []
        return [MARTLET, "serve", "--listen", f"127.0.0.1:{port}", "--store", place.store or folder / "store", *blobs]
    return [REAL, "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
            "--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", folder / "artifacts"]


@dataclass
class Place:
    """Where martlet's store lies, as `--store` and `--blobs` take it; None: in the server's folder."""
    store: str | None = None
    blobs: str | None = None


class TrackingServer:
    """Answers when made, and is stopped by leaving the `with`. Its store is in the folder, and is made when it isn't there."""

    def __init__(self, kind, folder, port=None, patience=120, place=Place()):
        self.kind = kind
        self.log = folder / "server.log"
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("MARTLET_", "MLFLOW_"))}
        kept.update(MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false", MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true", TZ="UTC")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([str(word) for word in command(kind, self.port, folder, place)], cwd=folder, env=kept, stdout=log,
                                            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + patience
        while not self.healthy():
            if self.process.poll() is not None:
                raise AssertionError(f"{kind} ended with {self.process.returncode} before it answered:\n{self.said()}")
            if time.monotonic() > deadline:
                self.stop()
                raise AssertionError(f"{kind} did not answer /health within {patience} s:\n{self.said()}")
            time.sleep(0.01)

    def healthy(self):
        try:
            with urllib.request.urlopen(self.url + "/health", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def said(self):
        return self.log.read_text(errors="replace")[-4000:]

    def stop(self):
        """SIGTERM to the whole group: the real server has workers of its own."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def kill(self):
        """As a power cut would end the process: no handler runs."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class RunningServer:
    """A server that somebody else started, for quick rounds by hand (--at URL)."""

    def __init__(self, kind, url):
        self.kind = kind
        self.url = url.rstrip("/")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass
